"""The linear heads that are fitted on features: the gate, and the names of species and groups."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from models.data.dataset import NO_BIRD, OTHER_BIRD
from parrot.model.gate import ThreeWay

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.arrays import Array, Flags, Index
    from models.data.dataset import Dataset
    from parrot.records import Floats

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
    """What the heads say, by photo, sample and state (first look, mean of all)."""

    gate: Array  # of parrot against all else
    species: Array
    groups: Array
    others: Array  # of what is not a parrot, the share of other birds and of no birds
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

    gate: ThreeWay
    species: LinearHead
    groups: LinearHead

    def logits(self, features: Floats, signs: Floats) -> Logits:
        """Of features (n, samples, states, d), and signs (n, samples, signs)."""
        scores, others = self.gate(features.reshape(-1, features.shape[-1]).astype(np.float64))
        return Logits(
            scores.reshape(features.shape[:-1]),
            self.species(features).astype(np.float64),
            self.groups(features).astype(np.float64),
            others.reshape(*features.shape[:-1], -1),
            signs,
        )


def fit_heads(data: Dataset, usable: Flags) -> LinearHeads:
    """Heads fitted on the usable (photos, samples), every class weighing the same."""

    def named(classes: Index, count: int, strength: float) -> LinearHead:
        x, photos = rows(data, usable & (classes >= 0)[:, None])
        return regression(x, classes[photos], count, strength=strength)

    return LinearHeads(
        three_way(*gate_rows(data, usable)),
        named(data.species_class, len(data.species) + 1, _SPECIES_STRENGTH),
        named(data.group_class, len(data.group_ids), _GROUP_STRENGTH),
    )


def three_way(x: Floats, kind: Index) -> ThreeWay:
    """Parrots, other birds and no birds as three classes of one softmax."""
    head = regression(x, kind, NO_BIRD + 1, strength=_GATE_STRENGTH)
    return ThreeWay(head.weights.astype(np.float64), head.biases.astype(np.float64))


def gate_rows(data: Dataset, usable: Flags, *, every_view: bool = True) -> tuple[Floats, Index]:
    """Features and kinds that a gate is fitted on.

    Other birds are seen under stress only: in many collections they are small crops, and a gate
    would learn their sharpness.
    """
    chosen = usable.copy()
    chosen[:, 0] &= data.kind != OTHER_BIRD
    if not (chosen & (data.kind == OTHER_BIRD)[:, None]).any():
        chosen = usable
    x, photos = rows(data, chosen, every_view=every_view)
    return x, data.kind[photos]


def rows(data: Dataset, chosen: Flags, *, every_view: bool = True) -> tuple[Floats, Index]:
    """Features of the chosen samples, one row per view, and the photo of each row."""
    photos, samples = np.nonzero(chosen)
    features = data.features[photos, samples]
    if not every_view:
        return features[:, 0], photos
    views = features.shape[1]
    return features.reshape(len(photos) * views, features.shape[-1]), np.repeat(photos, views)


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
