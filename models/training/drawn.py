"""Logistic regression that starts from known weights and is drawn back to them.

Few new photos move old weights as far as they contradict them, and no further: what they say
nothing about stays as it was.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from models.arrays import Array, Flags
    from models.training.heads import LinearHead
    from parrot.records import Floats

_ITERATIONS = 60


def drawn(
    x: Floats, said: Flags, weight: Array, start: LinearHead, *, strength: float
) -> LinearHead:
    """The head of `start`'s classes with the least strength * loss + |difference|^2 / 2.

    x (n, d), said (n, classes) the classes that each row may be, weight (n) of each row in the sum
    of the losses: -log of how likely one of these is. The difference is that of all weights and
    biases to those of `start`.
    """
    from scipy.optimize import minimize  # noqa: PLC0415 - 0.5 s, not for --help
    from scipy.special import log_softmax, logsumexp  # noqa: PLC0415 - the same

    old = np.vstack([start.weights, start.biases]).astype(np.float64)
    scale = strength * weight

    def loss(flat: Array) -> tuple[float, Array]:
        both = flat.reshape(old.shape)
        moved = both - old
        logits = log_softmax((x @ both[:-1].astype(x.dtype)).astype(np.float64) + both[-1], axis=1)
        those = np.where(said, logits, -np.inf)
        likely = logsumexp(those, axis=1)
        total = float(np.square(moved).sum() / 2 - scale @ likely)
        pull = scale[:, None] * (np.exp(logits) - np.exp(those - likely[:, None]))
        slope = np.vstack([x.T @ pull.astype(x.dtype), pull.sum(axis=0)]) + moved
        return total, slope.ravel()

    best = minimize(
        loss, old.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS}
    )
    both = best.x.reshape(old.shape).astype(np.float32)
    return replace(start, weights=both[:-1], biases=both[-1])
