"""What a saved photo shows, according to the person, the model and reviewers."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from typing import TYPE_CHECKING

from parrot.observation import Label, Observation, Opinion, Status, Verdict
from parrot.records import NOT_A_PARROT, OTHER_PARROT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# What a reviewer may say beside a kind: neither ever trains.
CANNOT_TELL, UNUSABLE = "cannot-tell", "unusable"
_ENOUGH = 2  # reviewers who agree
BEGUN = 1.0  # how urgent an opinion makes it; without one it is less
_DOUBT = 0.3  # what it weighs beside rarity
_ONE_SCENE = 0.05  # `Embedded.apart`
TIES = 1e-9  # what is equally urgent comes in an order that nobody chose
_SHARE = 4  # of a page: one person has at most one in so many places while there are others
_FINAL = 3  # of whom the person cannot reopen it
# Each is a write, and after so many without an agreement the next reviewer brings none either.
_MOST_OPINIONS = 7


def reviewed(label: Label | None, verdict: Verdict) -> Status:
    """READY, or NEEDS_REVIEW if the person and the model name different things.

    Without a label there is nothing to disagree with.
    """
    return Status.READY if label is None or agree(label, verdict) else Status.NEEDS_REVIEW


def agree(label: Label, verdict: Verdict) -> bool:
    """Whether what the person says is among what the model holds possible: its set.

    A ranking always has a first, even for a kind that the model never saw: an empty set agrees with
    no kind, only with "another parrot". A bundle without sets has nothing but its best guess.
    """
    if label.species == NOT_A_PARROT.id:
        return not (verdict.is_parrot or verdict.maybe)
    if verdict.likely is None:
        return verdict.species is not None and label.species == verdict.species
    if label.species == OTHER_PARROT.id:
        return not verdict.likely
    return label.species in verdict.likely


def settled(label: Label | None, opinions: Sequence[Opinion]) -> str | None:
    """What the photo shows once that is decided: two reviewers agree, or one and the person.

    A person who chooses another label afterwards objects: then a third reviewer decides.
    """
    if not opinions:
        return None
    votes = Counter({opinion.reviewer: opinion.species for opinion in opinions}.values())
    (first, count), *_ = votes.most_common()
    if count >= _FINAL or (count >= _ENOUGH and not _objects(label, first, opinions)):
        return first
    if label is not None and votes[label.species]:
        return label.species
    return CANNOT_TELL if len(votes) == votes.total() >= _MOST_OPINIONS else None


def _objects(label: Label | None, outcome: str, opinions: Sequence[Opinion]) -> bool:
    """Whether the person chose this label after enough reviewers had agreed on another one."""
    agreed = sorted(opinion.at for opinion in opinions if opinion.species == outcome)
    return label is not None and label.species != outcome and label.at > agreed[_ENOUGH - 1]


def standing(observation: Observation) -> Status:
    """The status of one that is processed."""
    label, opinions = observation.label, observation.opinions
    if settled(label, opinions) is not None or observation.verdict is None:
        return Status.READY
    return Status.NEEDS_REVIEW if opinions else reviewed(label, observation.verdict)


def waiting(observation: Observation) -> float | None:
    """How urgent a review is by itself, from 0 up; None if nobody may look, or nobody needs to.

    The sum of what was begun, 1 for each opinion, since one more may settle it; and of doubt, which
    is 0 where the model is sure of another kind than the person: it is mostly right then, and would
    learn nothing new. What `arranged` adds is measured with it: see docs/learning.md.
    """
    verdict, label = observation.verdict, observation.label
    if not observation.may_train or observation.status is not Status.NEEDS_REVIEW:
        return None
    if verdict is None or label is None or observation.derived is None or observation.duplicate_of:
        return None
    sure = verdict.species_probability if verdict.likely else None
    tie = TIES * int(handle(observation.uid, observation.id)[:8], 16) / 2**32
    doubt = _DOUBT * (1 - (sure if sure is not None else 1 / 2))
    return BEGUN * len(observation.opinions) + doubt + tie


def arranged(
    rows: Sequence[Observation], known: Mapping[str, int], *, size: int
) -> list[Observation]:
    """What teaches most comes first: to what is urgent by itself, rarity is added.

    That is 1 for a label without any photo, less the more there are: of `known` ones, which the
    bundle was fitted on, and of those chosen before. Never more of one person than their share, nor
    two in a row, nor two of one scene, as long as there are others.
    """
    left, photos, people = list(rows), Counter(known), Counter[str]()
    chosen: list[Observation] = []

    def teaches(row: Observation) -> tuple[bool, bool, bool, float]:
        last = chosen[-1] if chosen else None
        fair, other = people[row.uid] < _share(size), last is None or row.uid != last.uid
        rarity = 1 / math.sqrt(1 + photos[_said(row)])
        another = last is None or not _one_scene(row, last)
        return fair, another, other, (waiting(row) or 0.0) + rarity

    while left and len(chosen) < size:
        best = max(left, key=teaches)
        left.remove(best)
        chosen.append(best)
        photos[_said(best)] += 1
        people[best.uid] += 1
    return chosen


def crowded(rows: Iterable[Observation], *, size: int) -> bool:
    """Whether a page of these gives somebody more than their share: they may hide all others."""
    people = Counter(row.uid for row in rows)
    return sum(min(count, _share(size)) for count in people.values()) < size


def _share(size: int) -> int:
    return max(2, size // _SHARE)


def _said(row: Observation) -> str:
    return row.label.species if row.label else ""


def _one_scene(row: Observation, last: Observation) -> bool:
    """Whether they are of one person and look as if they were taken a moment apart."""
    first, second = row.embedded, last.embedded
    if row.uid != last.uid or first is None or second is None or first.space != second.space:
        return False
    return first.apart(second) < _ONE_SCENE


def example(observation: Observation) -> str | None:
    """What it was settled as, if reviewers may see it beside others; None if not."""
    seen = observation.may_train and observation.processed and observation.derived is not None
    outcome = settled(observation.label, observation.opinions)
    shows = outcome is not None and outcome not in {CANNOT_TELL, UNUSABLE}
    return outcome if seen and shows and not observation.duplicate_of else None


def handle(uid: str, observation_id: str) -> str:
    """What reviewers know an observation by: it reveals neither the user nor the id."""
    return hashlib.sha256(f"review\n{uid}\n{observation_id}".encode()).hexdigest()[:32]
