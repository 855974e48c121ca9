"""How far a person's labels can be believed: from what reviewers settled, and nothing else."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from parrot.observation import Label, Observation
from parrot.review import CANNOT_TELL, UNUSABLE, settled

NEUTRAL = 0.5  # of a person about whom nothing is settled
_LATEST = 10  # labels that show how somebody labels now


def by_person(observations: Iterable[Observation]) -> Mapping[str, float]:
    """The share of right labels to expect of the next ones (Laplace's rule of succession).

    For every person with a settled label; for export alone, never shown to anybody.
    """
    said = []
    for observation in observations:
        label = claimed(observation)
        outcome = settled(observation.label, observation.opinions)
        if label is not None and outcome not in {None, CANNOT_TELL, UNUSABLE}:
            said.append((observation.uid, label.at, label.species == outcome))
    return {uid: (sum(right) + 1) / (len(right) + 2) for uid, right in latest(said).items()}


def latest(said: Iterable[tuple[str, datetime, bool]]) -> Mapping[str, list[bool]]:
    """Of people, times and whether a label is right: the last ten of each person.

    Who begins to label differently soon has another trust.
    """
    every: defaultdict[str, list[bool]] = defaultdict(list)
    for uid, _, right in sorted(said):
        every[uid].append(right)
    return {uid: rights[-_LATEST:] for uid, rights in every.items()}


def claimed(observation: Observation) -> Label | None:
    """The person's label before the first review: giving in later does not make it right."""
    opinions = observation.opinions
    before = [label for label in observation.labels if opinions and label.at < opinions[0].at]
    return before[-1] if before else None
