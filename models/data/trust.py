"""How far a person's labels can be believed: from what reviewers settled, and nothing else."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from parrot.review import CANNOT_TELL, UNUSABLE, settled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from parrot.observation import Observation

NEUTRAL = 0.5  # of a person about whom nothing is settled


def trust(right: int, settled: int) -> float:
    """The share of right labels to expect of the next ones (Laplace's rule of succession)."""
    return (right + 1) / (settled + 2)


def by_person(observations: Iterable[Observation]) -> Mapping[str, float]:
    """For every person with a settled label; for export alone, never shown to anybody."""
    right, known = Counter[str](), Counter[str]()
    for observation in observations:
        label = claimed(observation)
        outcome = settled(observation.label, observation.opinions)
        if label is None or outcome in {None, CANNOT_TELL, UNUSABLE}:
            continue
        known[observation.uid] += 1
        right[observation.uid] += label == outcome
    return {uid: trust(right[uid], count) for uid, count in known.items()}


def claimed(observation: Observation) -> str | None:
    """The person's label before the first review: giving in later does not make it right."""
    opinions = observation.opinions
    before = [label for label in observation.labels if opinions and label.at < opinions[0].at]
    return before[-1].species if before else None
