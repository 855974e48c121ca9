"""How far a person's labels can be believed: from what reviewers settled, and nothing else."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from parrot.review import CANNOT_TELL, UNUSABLE, settled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from parrot.observation import Label, Observation

NEUTRAL = 0.5  # of a person about whom nothing is settled
_LATEST = 10  # settled photos that count: who begins to label differently soon has another trust


def trust(right: int, settled: int) -> float:
    """The share of right labels to expect of the next ones (Laplace's rule of succession)."""
    return (right + 1) / (settled + 2)


def by_person(observations: Iterable[Observation]) -> Mapping[str, float]:
    """For every person with a settled label; for export alone, never shown to anybody."""
    known: defaultdict[str, list[tuple[datetime, bool]]] = defaultdict(list)
    for observation in observations:
        label = claimed(observation)
        outcome = settled(observation.label, observation.opinions)
        if label is not None and outcome not in {None, CANNOT_TELL, UNUSABLE}:
            known[observation.uid].append((label.at, label.species == outcome))
    latest = {
        uid: [right for _, right in sorted(labels)[-_LATEST:]] for uid, labels in known.items()
    }
    return {uid: trust(sum(right), len(right)) for uid, right in latest.items()}


def claimed(observation: Observation) -> Label | None:
    """The person's label before the first review: giving in later does not make it right."""
    opinions = observation.opinions
    before = [label for label in observation.labels if opinions and label.at < opinions[0].at]
    return before[-1] if before else None
