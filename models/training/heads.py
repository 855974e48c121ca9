"""The linear heads that are fitted on features: the gate, and the names of species and groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from models.arrays import Flags, Floats, Index
from models.data.dataset import KINDS, PARROT, Dataset
from parrot.model.gate import Gate, LogisticCurve, Projection, ThreeWay
from parrot.model.naming import Naming, Softmax

AS_IT_IS = LogisticCurve(1.0, 0.0)  # a gate whose scale is in its weights
IMPOSSIBLE = -30.0  # logit of a class without photos
# Inverse regularisation, chosen by cross-validation.
_GATE_STRENGTH, _SPECIES_STRENGTH, _GROUP_STRENGTH = 0.01, 0.1, 1.0
_ITERATIONS = 80  # enough for a head; the last digits change no answer


@dataclass(frozen=True, slots=True)
class LinearHead:
    """Logits: features (..., d) @ weights (d, classes) + biases (classes)."""

    weights: Floats
    biases: Floats

    def __call__(self, features: Floats) -> Floats:
        """(..., d) to (..., classes)."""
        return np.asarray(features @ self.weights + self.biases, np.float32)


@dataclass(frozen=True, slots=True)
class Logits:
    """What the heads say, by photo, sample and view; heads are linear, so means are of means."""

    gate: Floats  # by kind: see `Dataset.kind`
    species: Floats
    groups: Floats
    served: Floats
    signs: Floats  # (photos, samples, signs) of where these heads look closer

    @classmethod
    def joined(cls, parts: Sequence[tuple[Index, Logits]]) -> Logits:
        """Of every photo, from the logits of each part of them."""
        order = np.argsort(np.concatenate([photos for photos, _ in parts]))
        return cls(
            *(
                np.concatenate([getattr(logits, name.name) for _, logits in parts])[order]
                for name in fields(cls)
            )
        )


@dataclass(frozen=True, slots=True)
class LinearHeads:
    """Everything that is fitted on features."""

    gate: LinearHead
    species: LinearHead
    groups: LinearHead
    served: LinearHead  # the served model's own names: what phones of the first version know

    def as_gate(self) -> Gate:
        """The gate as functions have it."""
        weights, biases = (
            array.astype(np.float64) for array in (self.gate.weights, self.gate.biases)
        )
        whole = Projection(np.zeros(len(weights)), np.ones(len(weights)))
        return Gate(whole, ThreeWay(weights, biases), AS_IT_IS)

    def as_naming(self, group_ids: tuple[str, ...]) -> Naming:
        """The names of species and groups as functions have them."""
        species, groups = (
            Softmax(head.weights, head.biases) for head in (self.species, self.groups)
        )
        return Naming(species, groups, group_ids)

    def logits(self, features: Floats, signs: Floats) -> Logits:
        """Of features (n, samples, views, d), and signs (n, samples, signs)."""
        return Logits(
            gate=self.gate(features),
            species=self.species(features),
            groups=self.groups(features),
            served=self.served(features),
            signs=signs,
        )


def fit_heads(data: Dataset, usable: Flags) -> LinearHeads:
    """Heads fitted on the usable (photos, samples). Every class weighs the same."""
    views = data.views(usable)

    def named(classes: Index, count: int, strength: float) -> LinearHead:
        known = parrots(data, views, classes)
        labels = classes[np.nonzero(known)[0]]
        return regression(data.features[known], labels, count, strength=strength)

    return LinearHeads(
        regression(data.features[views], data.view_kind[views], KINDS, strength=_GATE_STRENGTH),
        named(data.species_class, len(data.species) + 1, _SPECIES_STRENGTH),
        named(data.group_class, len(data.group_ids), _GROUP_STRENGTH),
        named(data.served_class, data.served, _SPECIES_STRENGTH),
    )


def parrots(data: Dataset, views: Flags, classes: Index) -> Flags:
    """The views (photos, samples, views) on parrots whose photos have a class, -1 being none."""
    known: Flags = views & (classes >= 0)[:, None, None] & (data.view_kind == PARROT)
    return known


def blank_heads(data: Dataset) -> LinearHeads:
    """Heads of the right shapes, for whoever has their weights."""
    counts = (KINDS, len(data.species) + 1, len(data.group_ids), data.served)
    shape = data.features.shape[-1]
    return LinearHeads(
        *(LinearHead(np.zeros((shape, n), np.float32), np.zeros(n, np.float32)) for n in counts)
    )


def regression(x: Floats, y: Index, count: int, *, strength: float) -> LinearHead:
    """Multinomial logistic regression: classes 0..count-1, whichever of them have rows.

    `strength` is the inverse of the regularisation.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - 0.8 s, not for --help

    weights = np.zeros((x.shape[1], count), np.float32)
    biases = np.full(count, IMPOSSIBLE, np.float32)
    present = np.unique(y)
    biases[present] = 0
    if len(present) < 2:  # noqa: PLR2004 - nothing to tell apart
        return LinearHead(weights, biases)
    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=_ITERATIONS)
    model.fit(x, y)
    # Of two classes scikit-learn keeps the second one's row only.
    fitted = model.classes_ if len(model.coef_) == len(model.classes_) else model.classes_[1:]
    weights[:, fitted], biases[fitted] = model.coef_.T, model.intercept_
    return LinearHead(weights, biases)
