"""What a score can do at every threshold, and whether a probability means what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.evaluation import metrics

if TYPE_CHECKING:
    from models.evaluation.metrics import Array, Flags

BINS = 10


@dataclass(frozen=True, slots=True)
class Curve:
    """A line from threshold to threshold, and the one number that sums it up."""

    x: Array
    y: Array
    area: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Photos of about the same stated probability; `low..high` is the observed rate's interval."""

    stated: float
    observed: float
    low: float
    high: float
    photos: int


def roc(yes: Array, no: Array) -> Curve:
    """Share of `no` and share of `yes` that reach each threshold; the area under that."""
    kept, through = _reaching(yes, no)
    x, y = through / len(no), kept / len(yes)
    return Curve(x, y, float(np.trapezoid(y, x)))


def precision_recall(yes: Array, no: Array) -> Curve:
    """Share of `yes` that is kept, and how much of what is kept is `yes`; average precision."""
    kept, through = _reaching(yes, no)
    recall, precision = kept[1:] / len(yes), kept[1:] / (kept + through)[1:]
    return Curve(recall, precision, float((np.diff(recall, prepend=0.0) * precision).sum()))


def reliability(probability: Array, right: Flags) -> list[Bin]:
    """The bins of `metrics.expected_calibration_error`, lowest probability first."""
    order = np.argsort(probability, kind="stable")
    return [
        Bin(
            float(probability[part].mean()),
            float(right[part].mean()),
            *metrics.wilson(int(right[part].sum()), len(part)),
            len(part),
        )
        for part in np.array_split(order, BINS)
        if len(part)
    ]


def _reaching(yes: Array, no: Array) -> tuple[Array, Array]:
    """How many of each reach the thresholds: first none, then falling to the lowest score."""
    thresholds = np.unique(np.concatenate([yes, no]))[::-1]
    counts = (
        len(scores) - np.searchsorted(np.sort(scores), thresholds, side="left")
        for scores in (yes, no)
    )
    kept, through = (np.concatenate([[0], count]).astype(np.float64) for count in counts)
    return kept, through
