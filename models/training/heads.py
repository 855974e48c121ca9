"""The linear heads that are fitted on features: the gate, and the names of species and groups."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from models.data.dataset import KINDS, PARROT
from models.training.drawn import drawn
from parrot.model.gate import Gate, LogisticCurve, Projection, ThreeWay
from parrot.model.naming import Naming, Softmax

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.arrays import Flags, Index
    from models.data.dataset import Dataset
    from parrot.records import Floats

AS_IT_IS = LogisticCurve(1.0, 0.0)  # a gate whose scale is in its weights
IMPOSSIBLE = -30.0  # logit of a class without photos
# Inverse regularisation, chosen by cross-validation.
_GATE_STRENGTH, _SPECIES_STRENGTH, _GROUP_STRENGTH = 0.01, 0.1, 1.0
# The same where a head starts from another one's weights, for the sum over photos: see
# docs/training.md for what it does to people and sources that were left out.
_DRAWN_GATE, _DRAWN_NAMES = 0.0001, 0.003
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


def fit_heads(data: Dataset, usable: Flags, start: LinearHeads | None = None) -> LinearHeads:
    """Heads fitted on the usable (photos, samples).

    Every class weighs the same. With a start they are drawn to its weights, every photo weighs the
    same, and a head for which there is nothing to tell apart stays as it was. Then "not a parrot"
    says not which of the other kinds, and "another parrot" teaches no names: what is settled so is
    mostly what the old names doubted, and would take doubtful photos of known kinds with it.
    """
    views, other = data.views(usable), len(data.species)
    kinds = data.species_class
    if start is not None:
        kinds = np.where(kinds == other, -1, kinds)

    def fitted(part: str, known: Flags, classes: Index, count: int, strength: float) -> LinearHead:
        """`classes` of the known (photos, samples, views)."""
        if start is None:
            return regression(data.features[known], classes, count, strength=strength)
        old: LinearHead = getattr(start, part)
        if len(np.unique(classes)) < 2:  # noqa: PLR2004 - nothing to tell apart
            return old
        photos = np.nonzero(known)[0]
        weight = 1 / np.bincount(photos)[photos]  # every photo counts once
        said, strength = np.eye(count, dtype=bool)[classes], _DRAWN_NAMES
        if part == "gate":
            said[~data.parrot[photos]] = np.arange(count) != PARROT
            strength = _DRAWN_GATE
        return drawn(data.features[known], said, weight, old, strength=strength)

    def named(part: str, classes: Index, count: int, strength: float) -> LinearHead:
        known = views & (classes >= 0)[:, None, None] & (data.view_kind == PARROT)
        return fitted(part, known, classes[np.nonzero(known)[0]], count, strength)

    return LinearHeads(
        fitted("gate", views, data.view_kind[views], KINDS, _GATE_STRENGTH),
        named("species", kinds, other + 1, _SPECIES_STRENGTH),
        named("groups", data.group_class, len(data.group_ids), _GROUP_STRENGTH),
        named("served", data.served_class, data.served, _SPECIES_STRENGTH),
    )


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
