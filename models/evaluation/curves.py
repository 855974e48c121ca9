"""How a score does at every threshold, and whether a probability means what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.evaluation import metrics

if TYPE_CHECKING:
    from models.arrays import Array, Flags


@dataclass(frozen=True, slots=True)
class Curve:
    """One point per threshold, the highest first, and the one number that sums the curve up."""

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
    """Share of `no` and share of `yes` that reach each threshold; the area under the curve."""
    from sklearn.metrics import auc, roc_curve  # noqa: PLC0415 - 0.8 s, not for --help

    let_through, kept, _ = roc_curve(*_labelled(yes, no), drop_intermediate=False)
    return Curve(let_through, kept, float(auc(let_through, kept)))


def precision_recall(yes: Array, no: Array) -> Curve:
    """Share of `yes` that is kept, and share of `yes` among what is kept; average precision."""
    from sklearn.metrics import (  # noqa: PLC0415 - 0.8 s, not for --help
        average_precision_score,
        precision_recall_curve,
    )

    truth, score = _labelled(yes, no)
    precision, recall, _ = precision_recall_curve(truth, score)
    # scikit-learn starts at the lowest threshold, and ends with a point that no threshold gives.
    area = float(average_precision_score(truth, score))
    return Curve(recall[-2::-1], precision[-2::-1], area)


def reliability(probability: Array, right: Flags) -> list[Bin]:
    """The bins of `metrics.expected_calibration_error`, lowest probability first."""
    return [
        Bin(
            float(probability[part].mean()),
            float(right[part].mean()),
            *metrics.wilson(int(right[part].sum()), len(part)),
            len(part),
        )
        for part in metrics.calibration_bins(probability)
    ]


def _labelled(yes: Array, no: Array) -> tuple[Flags, Array]:
    truth = np.concatenate([np.ones(len(yes), bool), np.zeros(len(no), bool)])
    return truth, np.concatenate([yes, no])
