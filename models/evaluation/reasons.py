"""Why photos were not taken for parrots, and how often that was right.

The gate's reasons are right where the photo shows that; those in the photo itself where it was
stressed that way, whatever it shows. A photo that is dark by itself counts as wrong, because it is
not labelled as dark.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from models.arrays import Array, Flags, Floats, Index
from models.data.labelled_photos import Group, LabelledPhoto
from models.data.samples import SIGNS
from models.evaluation import metrics
from models.evaluation.results import Judged, Results
from parrot.model.reason import OF_THE_GATE, PHOTOMETRIC, Evidence, gate_reason, measured, why
from parrot.model.rules import ReasonPolicy
from parrot.records import Reason, Scores

PRECISION = 0.95
SURE = 0.95  # the gate's probability from which on no look at the photo is needed
_FEWEST = 10  # photos that a threshold is believed for
GROUPS: Mapping[Reason, Group] = {
    Reason.NO_BIRD: Group.NEGATIVES,
    Reason.OTHER_BIRD: Group.OTHER_BIRDS,
}
STRESSES: Mapping[Reason, frozenset[str]] = {
    Reason.TOO_SMALL: frozenset({"72 px", "bird at 1/4", "bird at 1/3"}),
    Reason.BLURRED: frozenset({"blurred"}),
    Reason.TOO_DARK: frozenset({"dim"}),
}


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """One reason among photos that were not taken for parrots."""

    reason: Reason
    given: int
    right: int
    due: int  # photos for which it would be right
    due_parrots: int  # of these, parrots
    given_parrots: int  # of these, given

    @property
    def precision(self) -> tuple[float, float, float] | None:
        """How often it is right, with its 95 % interval; None where it is never given."""
        if not self.given:
            return None
        return self.right / self.given, *metrics.wilson(self.right, self.given)

    @property
    def recall(self) -> float | None:
        """How many of the photos for which it would be right get it."""
        return self.right / self.due if self.due else None


def evidence(scores: Scores, signs: Floats) -> tuple[Evidence, ...]:
    """Of each photo, from its scores and from what its first look showed (n, signs).

    Empty where the gate does not tell other birds from no birds.
    """
    if scores.others is None:
        return ()
    return tuple(
        Evidence.of(scores.at(row), **dict(zip(SIGNS, values, strict=True)))
        for row, values in enumerate(signs.tolist())
    )


def explained(results: Results, policy: ReasonPolicy) -> Results:
    """With a reason for what is not a parrot, where there is one."""
    pairs = zip(results.evidence, results.is_parrot, strict=True)
    return replace(
        results,
        reasons=[None if is_parrot else why(evidence, policy) for evidence, is_parrot in pairs],
    )


def right(reason: Reason, photo: LabelledPhoto, stress: str) -> bool:
    """Whether this is why."""
    if reason is Reason.NOT_ALIVE:
        return not photo.is_alive
    if reason in GROUPS:
        return photo.group is GROUPS[reason]
    return stress in STRESSES[reason]


def counts(results: Results) -> list[ReasonCount]:
    """One per reason; empty where the bundle gives none."""
    if not results.reasons:
        return []
    rejected = [
        (given, photo, stress)
        for given, photo, stress, is_parrot in zip(
            results.reasons, results.photos, results.stress, results.is_parrot, strict=True
        )
        if not is_parrot
    ]
    return [_count(reason, rejected) for reason in Reason]


def figures(results: Results) -> dict[str, dict[str, int]]:
    """For the manifest and `metrics.json`."""
    return {
        count.reason.value: {"given": count.given, "right": count.right, "due": count.due}
        for count in counts(results)
    }


def _count(reason: Reason, rejected: list[tuple[Reason | None, LabelledPhoto, str]]) -> ReasonCount:
    given = [row for row in rejected if row[0] is reason]
    due = [row for row in rejected if right(reason, *row[1:])]
    parrots = [row for row in due if row[1].is_parrot]
    return ReasonCount(
        reason,
        len(given),
        sum(right(reason, *row[1:]) for row in given),
        len(due),
        len(parrots),
        sum(row[0] is reason for row in parrots),
    )


def fit(judged: Judged, fold: Index) -> tuple[ReasonPolicy, Judged]:
    """A policy fitted on everything, and answers explained by policies that never saw the photo.

    Fitted on the photos that models that never saw them did not take for parrots. Each threshold is
    the one that gives its reason most often and is still right often enough; if there is none, the
    reason is never given. Photos as they are and photos under stress weigh the same. `fold` is that
    of each photo; both results have the evidence of every row.
    """
    every = Results.joined([judged.clean, judged.stressed])
    samples = len(every.photos) // len(fold)
    folds = np.tile(fold, samples)
    weight = np.ones(len(folds))
    weight[len(fold) :] /= max(1, samples - 1)
    given: list[Reason | None] = [None] * len(folds)
    for number in np.unique(fold):
        rows = folds == number
        policy = _policy(every, weight, ~every.is_parrot & ~rows)
        answers = explained(every.where(rows), policy).reasons
        for row, reason in zip(np.flatnonzero(rows).tolist(), answers, strict=True):
            given[row] = reason
    count = len(fold)
    return _policy(every, weight, ~every.is_parrot), Judged(
        replace(judged.clean, reasons=given[:count]),
        replace(judged.stressed, reasons=given[count:]),
    )


def _policy(results: Results, weight: Array, chosen: Flags) -> ReasonPolicy:
    """Thresholds for the chosen rows, none of which was taken for a parrot."""
    evidence = results.evidence
    own = [gate_reason(seen) for seen in evidence]
    true = {
        reason: np.array(
            [
                right(reason, photo, name)
                for photo, name in zip(results.photos, results.stress, strict=True)
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


def threshold(values: Array, hits: Flags, weight: Array) -> float | None:
    """The largest value below which this share of the weight is right; None if there is none."""
    order = np.argsort(values, kind="stable")
    values, weight = values[order], weight[order]
    precision = np.cumsum(weight * hits[order]) / np.maximum(np.cumsum(weight), 1e-9)
    ends = np.append(values[1:] > values[:-1], True) if len(values) else np.zeros(0, bool)
    enough = np.arange(len(values)) + 1 >= _FEWEST
    fitting = np.flatnonzero(ends & enough & (precision >= PRECISION))
    if not len(fitting):
        return None
    last = int(fitting[-1])
    after = values[min(last + 1, len(values) - 1)]
    return float((values[last] + max(after, np.nextafter(values[last], np.inf))) / 2)
