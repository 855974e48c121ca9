"""What each saved photo trains as, or why it does not.

What reviewers settled trains as that. What nobody settled trains as the person says, if the model's
set contains the label, and person and model together make it likely enough: the better somebody's
labels have proved, the less sure the model must be. So what is settled teaches most, and hostile
people gain nothing by opening more accounts.
"""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from models.data import wanted
from parrot.duplicates import SIMILAR_BITS, bits_apart, quarters
from parrot.observation import Label, Observation
from parrot.records import NOT_A_PARROT, OTHER_PARROT
from parrot.review import CANNOT_TELL, UNUSABLE, agree, settled

_MOST_OF_ONE = 100  # photos of one kind by one person: a flood must not outweigh everybody else
NEUTRAL = 0.5  # how far labels of a person are believed about whom nothing is settled
_LATEST = 10  # labels that show how somebody labels now
_ENOUGH = 0.975  # probability of being right from which on a label trains that nobody settled
_STRANGER = 0.8  # that an empty set means another parrot: so often on photos of new sources


class LeftOut(StrEnum):
    """Why an observation does not train."""

    UNPROCESSED = "not processed or rejected"
    FORBIDDEN = "whose owners do not allow it"
    UNLABELLED = "without a label that the species table knows"
    UNSETTLED = "that nobody has settled"
    DOUBTED = "of which person and model together are not sure enough"
    DISTRUSTED = "of people whom reviewers mostly contradict"
    CHANGED = "of people whose latest labels the model mostly contradicts"
    FLOOD = "beyond what one person may say about one kind"
    DUPLICATE = "near-duplicates"
    DISPUTED = "that several accounts name differently"
    MISSING = "whose photo is missing"
    OFF = "because TRAINING is off"


def chosen(
    observations: Iterable[Observation], labels: Container[str]
) -> list[tuple[Observation, str | LeftOut]]:
    """Each observation with the label that it trains with, or why it does not train.

    What is settled comes first, then the oldest: they are what stays of floods and near-duplicates.
    """
    rows = sorted(observations, key=lambda row: (_decided(row) is None, row.place))
    trusted, changed = trust(rows), _changed(rows)
    of_one = Counter[tuple[str, str]]()
    said: list[str | LeftOut] = []
    for row in rows:
        label = _label(row, labels, trusted.get(row.uid, NEUTRAL), changed)
        if not isinstance(label, LeftOut):
            of_one[row.uid, label] += 1
            label = LeftOut.FLOOD if of_one[row.uid, label] > _MOST_OF_ONE else label
        said.append(label)
    return list(zip(rows, _once(rows, said), strict=True))


def _label(
    row: Observation, labels: Container[str], trusted: float, changed: Container[str]
) -> str | LeftOut:
    """The label of one of them, whatever the others show."""
    if (barred := _barred(row)) is not None:
        return barred
    decided, label = _decided(row), row.label.species if row.label else ""
    words = wanted.written(row)
    if decided in {CANNOT_TELL, UNUSABLE} or (decided is None and words in labels):
        return LeftOut.UNSETTLED
    if decided == OTHER_PARROT.id and words in labels and not wanted.known(words):
        return words or decided  # has become a class since
    if not label or (decided or label) not in labels:
        return LeftOut.UNLABELLED
    return decided or _doubt(row, trusted, changed) or label


def _doubt(row: Observation, trusted: float, changed: Container[str]) -> LeftOut | None:
    """Why person and model are not enough, if they are not (Bayes, as if both erred alone)."""
    if row.opinions or not _confirmed(row):
        return LeftOut.UNSETTLED
    if trusted < NEUTRAL:
        return LeftOut.DISTRUSTED
    if row.uid in changed:
        return LeftOut.CHANGED
    right, wrong = trusted * _likely(row), (1 - trusted) * (1 - _likely(row))
    return None if right >= _ENOUGH * (right + wrong) else LeftOut.DOUBTED


def _barred(row: Observation) -> LeftOut | None:
    if not row.processed or not row.verdict:
        return LeftOut.UNPROCESSED
    if not row.may_train:
        return LeftOut.FORBIDDEN
    if row.duplicate_of is not None:
        return LeftOut.DUPLICATE
    return None if row.derived is not None else LeftOut.MISSING


def _decided(row: Observation) -> str | None:
    return settled(row.label, row.opinions)


def _confirmed(row: Observation) -> bool:
    """Whether the model's set contains the label.

    A verdict without a set is a best guess, which every photo has: it confirms nothing.
    """
    label, verdict = row.label, row.verdict
    if label is None or verdict is None:
        return False
    guess = verdict.species is not None and verdict.likely is None
    return not guess and agree(label, verdict)


def _likely(row: Observation) -> float:
    """How likely the model holds a confirmed label; what the first name leaves, others share."""
    label, verdict = row.label, row.verdict
    if label is None or verdict is None:
        return 0.0
    if label.species == NOT_A_PARROT.id:
        return 1 - verdict.parrot_probability
    first, names = verdict.species_probability or 0.0, verdict.likely or ()
    if label.species == verdict.species:
        return first
    return (1 - first) / max(1, len(names) - 1) if names else _STRANGER


def _changed(rows: Sequence[Observation]) -> set[str]:
    """People of whose latest labels the model contradicts most.

    Who gains trust and then begins to rename a kind is noticed before anybody reviews it.
    """
    said = (
        (row.uid, row.label.at, _confirmed(row))
        for row in rows
        if row.label is not None and row.verdict is not None and not row.opinions
    )
    return {uid for uid, right in _latest(said).items() if 2 * sum(right) < len(right)}


def _once(rows: Sequence[Observation], said: Sequence[str | LeftOut]) -> list[str | LeftOut]:
    """Each picture trains once, whoever saved it; not at all if unsettled and named differently."""
    labels, by_quarter = list(said), defaultdict[str, list[int]](list)
    hashes = [row.derived.phash if row.derived else "" for row in rows]
    for number, label in enumerate(said):
        if isinstance(label, LeftOut):
            continue
        keys = quarters(hashes[number])
        alike = {
            other
            for key in keys
            for other in by_quarter[key]
            if bits_apart(hashes[number], hashes[other]) <= SIMILAR_BITS
        }
        for key in keys:
            by_quarter[key].append(number)
        if alike:
            labels[number] = LeftOut.DUPLICATE
        for other in alike:
            if said[other] != label and _decided(rows[other]) is None:
                labels[other] = LeftOut.DISPUTED
    return labels


def trust(observations: Iterable[Observation]) -> Mapping[str, float]:
    """How far people's labels can be believed: from what reviewers settled, and nothing else.

    The share of right ones to expect of the next (Laplace's rule of succession), for every person
    with a settled label; for export alone, never shown to anybody.
    """
    said = []
    for observation in observations:
        label = _claimed(observation)
        outcome = _decided(observation)
        if label is not None and outcome not in {None, CANNOT_TELL, UNUSABLE}:
            said.append((observation.uid, label.at, label.species == outcome))
    return {uid: (sum(right) + 1) / (len(right) + 2) for uid, right in _latest(said).items()}


def _latest(said: Iterable[tuple[str, datetime, bool]]) -> Mapping[str, list[bool]]:
    """Of people, times and whether a label is right: the last ten of each person.

    Who begins to label differently soon has another trust.
    """
    every: defaultdict[str, list[bool]] = defaultdict(list)
    for uid, _, right in sorted(said):
        every[uid].append(right)
    return {uid: rights[-_LATEST:] for uid, rights in every.items()}


def _claimed(observation: Observation) -> Label | None:
    """The person's label before the first review: giving in later does not make it right."""
    opinions = observation.opinions
    before = [label for label in observation.labels if opinions and label.at < opinions[0].at]
    return before[-1] if before else None
