"""What several photos of one bird tell together, beside what each of them tells alone.

Trials put together photos of one species (of one kind, for what is no parrot) from different
sources, as they are or each under a stress. The answers for single photos are given; they are
joined as `parrot.together` joins them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.data.labelled_photos import UNSORTED, Group
from models.evaluation import metrics
from parrot.model.joining import agree, geometric_mean, widened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from models.arrays import Array, Index
    from models.data.labelled_photos import LabelledPhoto
    from models.evaluation.answers import Answers
    from parrot.model.joining import JointPolicy
    from parrot.model.sets import SetPolicy

SIZES = (2, 3)
_TINY = 1e-12
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
class Rules:
    """What turns joined probabilities into an answer."""

    joint: JointPolicy
    threshold: float
    sets: SetPolicy


@dataclass(frozen=True, slots=True)
class Way:
    """How probabilities are joined: of parrot (n), and of classes by the photos that show one."""

    parrot: Callable[[Array, Rules], float]
    species: Callable[[Array], Array]  # (n, classes), the surest parrot first


IN_USE = "mean of the logits"
WAYS = {
    IN_USE: Way(
        lambda parrot, rules: rules.joint.parrot(parrot, rules.threshold),
        lambda rows: geometric_mean(list(rows)).astype(np.float64),
    ),
    "mean of the logits, no limit to doubt": Way(
        lambda parrot, _rules: _sigmoid(float(_logit(parrot).mean())),
        lambda rows: geometric_mean(list(rows)).astype(np.float64),
    ),
    "sum of the logits": Way(
        lambda parrot, _rules: _sigmoid(float(_logit(parrot).sum())),
        lambda rows: _power(geometric_mean(list(rows)).astype(np.float64), len(rows)),
    ),
    "mean of the probabilities": Way(
        lambda parrot, _rules: float(parrot.mean()),
        lambda rows: np.asarray(rows.mean(axis=0)),
    ),
    "the surest photo": Way(
        lambda parrot, _rules: float(parrot.max()),
        lambda rows: rows[0],
    ),
}


@dataclass(frozen=True, slots=True)
class Judge:
    """Answers for single photos, by sample, beside the truth: `target` is -1 for no class."""

    photos: Sequence[LabelledPhoto]
    target: Index
    samples: Sequence[Answers]  # the first of photos as they are
    rules: Rules

    def figures(self, way: Way, seed: int = 0) -> dict[str, dict[str, Comparison]]:
        """By number of photos and state of the photos, each figure that there are photos for."""
        found = {}
        for size in SIZES:
            for state, stressed in (("as they are", False), ("stressed", True)):
                rng = np.random.default_rng([seed, size, stressed])
                title = f"{size} photos, {state}"
                found[title] = self._compared(way, size, rng, stressed=stressed)
        return found

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
            not agree([clean.sets[row] for row in trial if clean.is_parrot[row]])
            for trial in trials
        ]
        return float(np.mean(apart)) if apart else None

    def _compared(
        self, way: Way, size: int, rng: np.random.Generator, *, stressed: bool
    ) -> dict[str, Comparison]:
        """Every trial, by figure and leading photo."""
        values: dict[str, dict[int, list[tuple[float, float]]]] = defaultdict(
            lambda: defaultdict(list)
        )
        most = len(self.samples)
        for trial in alike(self.photos, size, rng):
            chosen = rng.integers(1, most, size) if stressed and most > 1 else np.zeros(size, int)
            members = [
                self.samples[sample].taken(np.array([row]))
                for row, sample in zip(trial, chosen.tolist(), strict=True)
            ]
            for figure, single, joint in self._judged(way, trial[0], members):
                values[figure][trial[0]].append((single, joint))
        return {
            figure: _comparison([np.mean(pairs, axis=0) for pairs in values[figure].values()])
            for figure in NAMES
            if figure in values
        }

    def _judged(
        self, way: Way, row: int, members: Sequence[Answers]
    ) -> Iterator[tuple[str, float, float]]:
        """Name, mean over the single photos, and the joint answer's value."""
        together = joined(members, way, self.rules)
        group, target = self.photos[row].group, int(self.target[row])
        through = float(np.mean([member.is_parrot[0] for member in members]))
        gate = {Group.PARROTS: "parrots_kept", Group.OTHER_BIRDS: "other_birds"}
        yield gate.get(group, "negatives"), through, float(together.is_parrot[0])
        if target >= 0:
            for name, value in _NAMED.items():
                alone = float(np.mean([value(member, target) for member in members]))
                yield name, alone, value(together, target)


def joined(members: Sequence[Answers], way: Way, rules: Rules) -> Answers:
    """The joint answer of single ones, one row each."""
    parrots = [member for member in members if member.is_parrot[0]]
    named = parrots or members  # figures about names do not depend on the gate
    named = sorted(named, key=lambda member: -float(member.parrot[0]))
    parrot = way.parrot(np.concatenate([member.parrot for member in members]), rules)
    species = way.species(np.concatenate([member.species for member in named]))
    chosen = rules.sets.classes(species[None])[0]
    sure = [member for member in parrots if member.sets[0].any()]
    if not agree([member.sets[0] for member in sure]):
        best = [int(member.species[0, :-1].argmax()) for member in sure]
        chosen = widened(chosen, best, species[:-1])
    return replace(
        members[0],
        parrot=np.array([parrot]),
        is_parrot=np.array([parrot >= rules.threshold]),
        species=species[None],
        sets=chosen[None],
    )


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


def _logit(probability: Array) -> Array:
    inner = probability.clip(_TINY, 1 - _TINY)
    return np.asarray(np.log(inner / (1 - inner)))


def _sigmoid(logit: float) -> float:
    return float(1 / (1 + np.exp(-logit)))


def _power(probabilities: Array, exponent: int) -> Array:
    raised = probabilities**exponent
    return np.asarray(raised / raised.sum())


def _apart(photo: LabelledPhoto) -> str:
    """What two photos of a trial may not share."""
    return (photo.is_parrot and photo.source) or photo.cluster


_NAMED: dict[str, Callable[[Answers, int], float]] = {
    "right": lambda one, target: float(one.species[0, :-1].argmax() == target),
    "covered": lambda one, target: float(one.sets[0, target]),
    "alone": lambda one, target: float(one.sets[0, target] and one.sets[0].sum() == 1),
    "size": lambda one, _target: float(one.sets[0].sum()),
}


def _comparison(pairs: Sequence[Array]) -> Comparison:
    single, joint = np.array(pairs).T
    _, low, high = metrics.paired_difference(single, joint)
    return Comparison(float(single.mean()), float(joint.mean()), low, high, len(pairs))
