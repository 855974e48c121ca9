"""Why photos were not taken for parrots, and how often that was right.

The gate's reasons are right where the photo shows that; those in the photo itself where it was
stressed that way, whatever it shows. A photo that is dark by itself counts as wrong, because it is
not labelled as dark.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from models.arrays import Floats
from models.data.labelled_photos import Group, LabelledPhoto
from models.data.samples import SIGNS
from models.evaluation import metrics
from models.evaluation.results import Results
from parrot.model.reason import Evidence, why
from parrot.model.rules import ReasonPolicy
from parrot.records import Reason, Scores

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
