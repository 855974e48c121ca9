"""Figures and curves about predictions: pure functions on arrays."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest
from sklearn.metrics import auc, roc_curve

from models.arrays import Array, Flags

_BINS = 10
_ROUNDS = 10_000  # of the bootstrap


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Photos of about the same stated probability; `low..high` is the observed rate's interval."""

    stated: float
    observed: float
    low: float
    high: float
    photos: int


def roc(yes: Array, no: Array) -> tuple[list[tuple[float, float]], float]:
    """Share of `no` and share of `yes` that reach each threshold, and the area under these points.

    The highest threshold comes first; points on a line are left out.
    """
    truth = np.concatenate([np.ones(len(yes), bool), np.zeros(len(no), bool)])
    scores = np.concatenate([yes, no])
    let_through, kept, _ = roc_curve(truth, scores)
    points = list(zip(let_through.tolist(), kept.tolist(), strict=True))
    return points, float(auc(let_through, kept))


def calibration_bins(probability: Array, right: Flags) -> list[CalibrationBin]:
    """Lowest probability first; all bins have about the same size."""
    order = np.argsort(probability, kind="stable")
    return [
        CalibrationBin(
            float(probability[part].mean()),
            float(right[part].mean()),
            *wilson(int(right[part].sum()), len(part)),
            len(part),
        )
        for part in np.array_split(order, _BINS)
        if len(part)
    ]


def expected_calibration_error(probability: Array, right: Flags) -> float:
    """Mean distance between stated and observed frequency, over bins of equal size."""
    bins = calibration_bins(probability, right)
    gaps = [abs(part.stated - part.observed) * part.photos for part in bins]
    return float(sum(gaps) / len(probability))


def threshold_keeping(scores: Array, share: float) -> float:
    """The highest threshold that at least `share` of the scores reach."""
    return float(np.quantile(scores, 1 - share, method="lower"))


def wilson(hits: int, count: int) -> tuple[float, float]:
    """95 % confidence interval of a rate (Wilson, 1927)."""
    if not count:
        return 0.0, 1.0
    low, high = binomtest(hits, count).proportion_ci(method="wilson")
    return float(low), float(high)


def rate(hits: int, count: int) -> dict[str, Any] | None:
    """A share with its 95 % interval, to four digits, or None without photos."""
    if not count:
        return None
    low, high = wilson(hits, count)
    return {
        "rate": round(hits / count, 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "n": count,
    }


def paired_difference(before: Array | Flags, after: Array | Flags) -> tuple[float, float, float]:
    """Mean of `after - before` over the same photos, and its 95 % interval by bootstrap."""
    difference = np.asarray(after, np.float64) - np.asarray(before, np.float64)
    rng = np.random.default_rng(0)
    # Drawing how often each value occurs needs less memory than drawing every photo.
    values, counts = np.unique(difference, return_counts=True)
    drawn = rng.multinomial(len(difference), counts / len(difference), _ROUNDS) @ values
    low, high = np.quantile(drawn / len(difference), [0.025, 0.975])
    return float(difference.mean()), float(low), float(high)
