"""The threshold of each reason why something is not a parrot.

Fitted on the photos that models that never saw them did not take for parrots. Each threshold is the
one that gives its reason most often and is still right often enough; if there is none, the reason
is never given. Photos as they are and photos under stress weigh the same.
"""

from dataclasses import dataclass, replace

import numpy as np

from models.arrays import Array, Flags, Index
from models.evaluation import reasons
from models.evaluation.results import Judged, Results
from parrot.model.reason import OF_THE_GATE, PHOTOMETRIC, gate_reason, measured
from parrot.model.rules import ReasonPolicy
from parrot.records import Reason

PRECISION = 0.95
SURE = 0.95  # the gate's probability from which on no look at the photo is needed
_FEWEST = 10  # photos that a threshold is believed for


@dataclass(frozen=True, slots=True)
class Explained:
    """A policy fitted on everything, and answers explained by policies that never saw the photo."""

    policy: ReasonPolicy
    judged: Judged


def fit(judged: Judged, fold: Index) -> Explained:
    """`fold` is that of each photo; both results have the evidence of every row."""
    every = Results.joined([judged.clean, judged.stressed])
    samples = len(every.photos) // len(fold)
    folds = np.tile(fold, samples)
    weight = np.ones(len(folds))
    weight[len(fold) :] /= max(1, samples - 1)
    given: list[Reason | None] = [None] * len(folds)
    for number in np.unique(fold):
        policy = _policy(every, weight, ~every.is_parrot & (folds != number))
        held = every.where(folds == number)
        for row, reason in zip(
            np.flatnonzero(folds == number).tolist(),
            reasons.explained(held, policy).reasons,
            strict=True,
        ):
            given[row] = reason
    count = len(fold)
    return Explained(
        _policy(every, weight, ~every.is_parrot),
        Judged(
            replace(judged.clean, reasons=given[:count]),
            replace(judged.stressed, reasons=given[count:]),
        ),
    )


def _policy(results: Results, weight: Array, chosen: Flags) -> ReasonPolicy:
    """Thresholds for the chosen rows, none of which was taken for a parrot."""
    evidence = results.evidence
    own = [gate_reason(seen) for seen in evidence]
    stress = results.stress or [""] * len(evidence)
    true = {
        reason: np.array(
            [
                reasons.right(reason, photo, name)
                for photo, name in zip(results.photos, stress, strict=True)
            ],
            bool,
        )
        for reason in Reason
    }
    left = chosen.copy()  # what no reason in the photo itself explains
    unsure = np.array([probability < SURE for _, probability in own], bool)
    limits: dict[str, float | None] = {}
    for reason in PHOTOMETRIC:
        values = np.array([measured(seen, reason) for seen in evidence])
        limit = threshold(values[chosen], true[reason][chosen], weight[chosen])
        limits[reason.value] = limit
        if limit is not None:
            left &= ~(unsure & (values < limit))
    probability = np.array([likely for _, likely in own])
    for reason in OF_THE_GATE:
        rows = left & np.array([gate is reason for gate, _ in own], bool)
        limit = threshold(-probability[rows], true[reason][rows], weight[rows])
        limits[reason.value] = None if limit is None else max(0.0, -limit)
    return ReasonPolicy(PRECISION, SURE, **limits)


def threshold(values: Array, right: Flags, weight: Array) -> float | None:
    """The largest value below which this share of the weight is right; None if there is none."""
    order = np.argsort(values, kind="stable")
    values, weight = values[order], weight[order]
    precision = np.cumsum(weight * right[order]) / np.maximum(np.cumsum(weight), 1e-9)
    ends = np.append(values[1:] > values[:-1], True) if len(values) else np.zeros(0, bool)
    enough = np.arange(len(values)) + 1 >= _FEWEST
    fitting = np.flatnonzero(ends & enough & (precision >= PRECISION))
    if not len(fitting):
        return None
    last = int(fitting[-1])
    after = values[min(last + 1, len(values) - 1)]
    return float((values[last] + max(after, np.nextafter(values[last], np.inf))) / 2)
