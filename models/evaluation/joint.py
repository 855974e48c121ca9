"""Joint answers for several photos of one bird, compared with each photo's own.

Trials put together photos of one species (of one kind, for what is no parrot) from different
sources, as they are or each under a stress. The decisions for single photos are given; they are
joined as a function joins them.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from models.arrays import Array, Index
from models.data.labelled_photos import UNSORTED, Group, LabelledPhoto
from models.evaluation import metrics
from parrot.model import decision
from parrot.model.rules import Rules
from parrot.records import Decision

SIZES = (2, 3)
_TIMES = 3  # trials of each photo with others
NAMES = {
    "parrots_kept": "parrots kept",
    "right": "species right",
    "covered": "set contains the true species",
    "alone": "set is the true species alone",
    "size": "set, mean size",
    "other_birds": "other birds let through",
    "negatives": "non-birds let through",
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure by single photos and by the joint answer, over the photos that lead a trial.

    `low` and `high` bound the difference (95 %, bootstrap over those photos).
    """

    single: float
    joint: float
    low: float
    high: float
    photos: int


@dataclass(frozen=True, slots=True)
class Judge:
    """Decisions for single photos, by sample, beside the truth: `target` is -1 for no class."""

    photos: Sequence[LabelledPhoto]
    target: Index
    samples: Sequence[Decision]  # the first of photos as they are
    rules: Rules

    def figures(self, seed: int = 0) -> dict[str, dict[str, Comparison]]:
        """By number of photos and state of the photos, each figure that there are photos for."""
        figures = {}
        for size in SIZES:
            for state, stressed in (("as they are", False), ("stressed", True)):
                rng = np.random.default_rng([seed, size, stressed])
                figures[f"{size} photos, {state}"] = self._compared(size, rng, stressed=stressed)
        return figures

    def contradictions(self, seed: int = 0) -> dict[str, float | None]:
        """How often two photos as they are contradict each other, of one species and of two."""
        rng = np.random.default_rng([seed, 0])
        same = list(alike(self.photos, 2, rng))
        known = [trial for trial in same if self.target[trial[0]] >= 0]
        leaders = [trial[0] for trial in known]
        mixed = [
            (leader, other)
            for leader, other in zip(leaders, rng.permutation(leaders).tolist(), strict=True)
            if self.target[leader] != self.target[other]
        ]
        return {
            "one_species": self._disagree(known),
            "two_species": self._disagree(mixed),
        }

    def _disagree(self, trials: Sequence[tuple[int, ...]]) -> float | None:
        clean = self.samples[0]
        apart = [
            not decision.join([clean.at(row) for row in trial], self.rules)[1] for trial in trials
        ]
        return float(np.mean(apart)) if apart else None

    def _compared(
        self, size: int, rng: np.random.Generator, *, stressed: bool
    ) -> dict[str, Comparison]:
        """Every trial, by figure and leading photo."""
        values: dict[str, dict[int, list[tuple[float, float]]]] = defaultdict(
            lambda: defaultdict(list)
        )
        most = len(self.samples)
        for trial in alike(self.photos, size, rng):
            chosen = rng.integers(1, most, size) if stressed and most > 1 else np.zeros(size, int)
            members = [
                self.samples[sample].at(row)
                for row, sample in zip(trial, chosen.tolist(), strict=True)
            ]
            for figure, single, joint in self._judged(trial[0], members):
                values[figure][trial[0]].append((single, joint))
        return {
            figure: _comparison([np.mean(pairs, axis=0) for pairs in values[figure].values()])
            for figure in NAMES
            if figure in values
        }

    def _judged(self, row: int, members: Sequence[Decision]) -> Iterator[tuple[str, float, float]]:
        """Name, mean over the single photos, and the joint answer's value."""
        joint, _ = decision.join(members, self.rules)
        group, target = self.photos[row].group, int(self.target[row])
        through = float(np.mean([member.is_parrot for member in members]))
        gate = {Group.PARROTS: "parrots_kept", Group.OTHER_BIRDS: "other_birds"}
        yield gate.get(group, "negatives"), through, float(joint.is_parrot)
        if target >= 0:
            single = [_named(member, target) for member in members]
            for name, value in _named(joint, target).items():
                yield name, float(np.mean([row[name] for row in single])), value


def alike(
    photos: Sequence[LabelledPhoto], size: int, rng: np.random.Generator
) -> Iterator[tuple[int, ...]]:
    """Photos with one label: each photo leads some trials, with others of other sources.

    Other birds and non-birds, of which few sources have the same, may be of one source; never of
    one picture. A label whose photos show different birds has no trials.
    """
    by_label: dict[tuple[Group, str], list[int]] = defaultdict(list)
    for number, photo in enumerate(photos):
        if photo.label != UNSORTED:
            by_label[photo.group, photo.label].append(number)
    for number, photo in enumerate(photos):
        for _ in range(_TIMES):
            trial, taken = [number], {_apart(photo)}
            for other in rng.permutation(by_label.get((photo.group, photo.label), [])).tolist():
                if len(trial) < size and _apart(photos[other]) not in taken:
                    trial.append(other)
                    taken.add(_apart(photos[other]))
            if len(trial) == size:
                yield tuple(trial)


def _apart(photo: LabelledPhoto) -> str:
    """What two photos of a trial may not share."""
    return (photo.is_parrot and photo.source) or photo.cluster


def _named(photo: Decision, target: int) -> dict[str, float]:
    """What figures about names count, whatever the gate says."""
    likely = decision.ranking(photo.scores)
    if photo.in_set is None or likely is None:
        return {}
    covered, size = bool(photo.in_set[target]), float(photo.in_set.sum())
    return {
        "right": float(likely.argmax() == target),
        "covered": float(covered),
        "alone": float(covered and size == 1),
        "size": size,
    }


def _comparison(pairs: Sequence[Array]) -> Comparison:
    single, joint = np.array(pairs).T
    _, low, high = metrics.paired_difference(single, joint)
    return Comparison(float(single.mean()), float(joint.mean()), low, high, len(pairs))
