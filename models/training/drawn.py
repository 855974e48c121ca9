"""Logistic regression that starts from known weights and is drawn back to them.

Few new photos move old weights as far as they contradict them, and no further: what they say
nothing about stays as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from models.arrays import Array, Index
    from models.training.heads import LinearHead
    from parrot.records import Floats

_ITERATIONS = 60


def drawn(x: Floats, y: Index, weight: Array, start: LinearHead, *, strength: float) -> LinearHead:
    """The head of `start`'s classes with the least strength * loss + |difference|^2 / 2.

    x (n, d), y (n) classes, weight (n) of each row in the sum of the losses (cross-entropy). The
    difference is that of all weights and biases to those of `start`.
    """
    from scipy.optimize import minimize  # noqa: PLC0415 - 0.5 s, not for --help

    old = np.vstack([start.weights, start.biases]).astype(np.float64)
    ones = np.hstack([x, np.ones((len(x), 1), x.dtype)])
    rows, scale = np.arange(len(y)), (strength * weight)[:, None]

    def loss(flat: Array) -> tuple[float, Array]:
        both = flat.reshape(old.shape)
        logits = (ones @ both.astype(x.dtype)).astype(np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        likely = np.exp(logits)
        likely /= likely.sum(axis=1, keepdims=True)
        costs = -np.log(likely[rows, y] + 1e-12)
        likely[rows, y] -= 1
        slope = (ones.T @ (scale * likely).astype(x.dtype)).astype(np.float64) + (both - old)
        total = float(scale[:, 0] @ costs + np.square(both - old).sum() / 2)
        return total, slope.ravel()

    best = minimize(
        loss, old.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS}
    )
    both = best.x.reshape(old.shape).astype(np.float32)
    return type(start)(both[:-1], both[-1])
