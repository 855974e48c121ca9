"""Figures about predictions: pure functions on arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]
    Index = npt.NDArray[np.intp]


def expected_calibration_error(probability: Array, right: Flags, bins: int = 10) -> float:
    """Mean distance of stated and observed frequency over bins of equal size."""
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [abs(probability[part].mean() - right[part].mean()) * len(part) for part in parts]
    return float(sum(gaps) / len(probability))


def threshold_keeping(scores: Array, share: float) -> float:
    """The highest threshold that at least `share` of these scores reach."""
    return float(np.quantile(scores, 1 - share, method="lower"))


def conformal_cut(true_scores: Array, coverage: float) -> float:
    """The score that a new true one reaches with probability `coverage`, however they spread.

    Split conformal prediction: Vovk et al., "Algorithmic Learning in a Random World" (2005); the
    rank counts the new photo itself.
    """
    rank = int(np.floor((len(true_scores) + 1) * (1 - coverage)))
    return float(np.sort(true_scores)[max(rank - 1, 0)])


def wilson(hits: int, count: int) -> tuple[float, float]:
    """95 % confidence interval of a rate (Wilson, 1927)."""
    from scipy.stats import binomtest  # noqa: PLC0415 - 0.5 s, not for --help

    if not count:
        return 0.0, 1.0
    low, high = binomtest(hits, count).proportion_ci(method="wilson")
    return float(low), float(high)


def paired_difference(
    before: Array, after: Array, *, rounds: int = 10_000, seed: int = 0
) -> tuple[float, float, float]:
    """Mean of `after - before` over the same photos, and its 95 % interval by bootstrap."""
    difference = np.asarray(after, np.float64) - np.asarray(before, np.float64)
    rng = np.random.default_rng(seed)
    # Resampling n values is drawing their counts; that needs no n x rounds table of photos.
    values, counts = np.unique(difference, return_counts=True)
    drawn = rng.multinomial(len(difference), counts / len(difference), rounds) @ values
    low, high = np.quantile(drawn / len(difference), [0.025, 0.975])
    return float(difference.mean()), float(low), float(high)
