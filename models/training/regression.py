"""Multinomial logistic regression on features, whatever classes have photos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from models.arrays import Index
    from parrot.records import Floats

IMPOSSIBLE = -30.0  # logit of a class without photos
_ITERATIONS = 80  # enough for a head; the last digits change no answer


@dataclass(frozen=True, slots=True)
class Linear:
    """Logits: features (..., d) @ weights (d, classes) + biases (classes)."""

    weights: Floats
    biases: Floats

    def __call__(self, features: Floats) -> Floats:
        """(..., d) to (..., classes)."""
        return np.asarray(features @ self.weights + self.biases, np.float32)


def fit(x: Floats, y: Index, count: int, *, strength: float) -> Linear:
    """Classes 0..count-1, every one that has rows weighing the same.

    `strength` is the inverse of the regularisation.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - 0.8 s, not for --help

    weights = np.zeros((x.shape[1], count), np.float32)
    biases = np.full(count, IMPOSSIBLE, np.float32)
    found = np.unique(y)
    biases[found] = 0
    if len(found) < 2:  # noqa: PLR2004 - nothing to tell apart
        return Linear(weights, biases)
    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=_ITERATIONS)
    model.fit(x, y)
    # Of two classes scikit-learn keeps the second one's row only.
    rows = model.classes_ if len(model.coef_) == len(model.classes_) else model.classes_[1:]
    weights[:, rows], biases[rows] = model.coef_.T, model.intercept_
    return Linear(weights, biases)
