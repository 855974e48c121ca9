"""The answer for each labelled photo, and the figures computed from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from models.data.labelled_photos import UNSORTED, Group
from models.evaluation import metrics
from parrot.records import Rank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.arrays import Array, Flags, Index
    from models.data.labelled_photos import LabelledPhoto
    from parrot.model.reason import Evidence
    from parrot.records import Reason

_TOP = 3


@dataclass(frozen=True, slots=True)
class Name:
    """The taxon that was named for a photo."""

    rank: Rank
    right: bool  # the photo shows one of these


@dataclass(frozen=True)
class Results:
    """One row per photo; `probabilities` and `sets` (n, classes) do not depend on the gate."""

    photos: Sequence[LabelledPhoto]
    species: Sequence[str]  # ids by class index
    target: Index  # class index, -1 for none
    coverage: float
    parrot: Array  # probability of parrot
    is_parrot: Flags  # what the gate answered
    probabilities: Array
    sets: Flags
    looks: Array | None = None  # forward passes; None where the bundle only looks once
    named: Sequence[Name | None] = ()  # the taxon that was named; empty where none ever is
    stress: Sequence[str] = ()  # of each row, if not as it is
    evidence: Sequence[Evidence] = ()  # why it may not be a parrot; empty where that is not known
    reasons: Sequence[Reason | None] = ()  # what was said, for rows that are not a parrot

    @classmethod
    def joined(cls, parts: Sequence[Results]) -> Results:
        """One after the other; all of one table and one coverage."""
        first = parts[0]
        looks = [part.looks for part in parts if part.looks is not None]
        return cls(
            photos=[photo for part in parts for photo in part.photos],
            species=first.species,
            target=np.concatenate([part.target for part in parts]),
            coverage=first.coverage,
            parrot=np.concatenate([part.parrot for part in parts]),
            is_parrot=np.concatenate([part.is_parrot for part in parts]),
            probabilities=np.concatenate([part.probabilities for part in parts]),
            sets=np.concatenate([part.sets for part in parts]),
            looks=np.concatenate(looks) if looks else None,
            named=[name for part in parts for name in part.named],
            stress=[name for part in parts for name in part.stress],
            evidence=[found for part in parts for found in part.evidence],
            reasons=[reason for part in parts for reason in part.reasons],
        )

    def where(self, chosen: Sequence[bool] | Flags) -> Results:
        """Only these rows."""
        rows = np.flatnonzero(chosen).tolist()
        return replace(
            self,
            photos=[self.photos[row] for row in rows],
            target=self.target[rows],
            parrot=self.parrot[rows],
            is_parrot=self.is_parrot[rows],
            probabilities=self.probabilities[rows],
            sets=self.sets[rows],
            looks=None if self.looks is None else self.looks[rows],
            named=[self.named[row] for row in rows] if self.named else (),
            stress=[self.stress[row] for row in rows] if self.stress else (),
            evidence=[self.evidence[row] for row in rows] if self.evidence else (),
            reasons=[self.reasons[row] for row in rows] if self.reasons else (),
        )

    @cached_property
    def known(self) -> Index:
        """The photos whose species is in the table."""
        return np.flatnonzero(self.target >= 0)

    @cached_property
    def guess(self) -> Index:
        """The likeliest class of each photo."""
        return np.asarray(self.probabilities.argmax(axis=1), np.intp)

    @cached_property
    def right(self) -> Flags:
        """Whether the likeliest class is the true one, for each known photo."""
        return np.asarray(self.guess[self.known] == self.target[self.known])

    @cached_property
    def strangers(self) -> Index:
        """Parrots whose species was identified and is not in the table."""
        return np.array(
            [
                number
                for number, photo in enumerate(self.photos)
                if photo.is_parrot and self.target[number] < 0 and photo.label != UNSORTED
            ],
            np.intp,
        )

    def of(self, group: Group) -> Flags:
        """Whether each photo belongs to the group."""
        return np.array([photo.group is group for photo in self.photos])

    def figures(self) -> dict[str, Any]:
        """The figures for the card, `metrics.json` and the manifest."""
        known, target = self.known, self.target[self.known]
        ranked = np.argsort(-self.probabilities[known], axis=1)
        truth = self.of(Group.PARROTS)
        sizes = self.sets[known].sum(axis=1)
        recall = [self.right[target == k].mean() for k in np.unique(target)]
        return {
            "photos": len(self.photos),
            "species": {
                "photos": len(known),
                "top1": _rate(self.right),
                "top3": _rate((ranked[:, :_TOP] == target[:, None]).any(axis=1)),
                "mean_class_recall": round(float(np.mean(recall)), 4) if recall else None,
                "calibration_error": _calibration(
                    self.probabilities[known].max(axis=1), self.right
                ),
            },
            "gate": {
                "parrots_kept": _rate(self.is_parrot[truth]),
                "other_birds_let_through": _rate(self.is_parrot[self.of(Group.OTHER_BIRDS)]),
                "negatives_let_through": _rate(self.is_parrot[self.of(Group.NEGATIVES)]),
                "calibration_error": _calibration(self.parrot, truth),
            },
            "set": {
                "stated_coverage": self.coverage,
                "coverage": _rate(self.sets[known, target]),
                "mean_size": _mean(sizes),
                "empty": _rate(sizes == 0),
                "strangers_not_named_alone": _rate(self.sets[self.strangers].sum(axis=1) != 1),
                "strangers_mean_size": _mean(self.sets[self.strangers].sum(axis=1)),
            },
            "taxon": self._taxa(),
            "looks": {"mean": None if self.looks is None else _mean(self.looks)},
        }

    def _taxa(self) -> dict[str, Any]:
        """How often a group is named for parrots of other species, and how often it is right."""
        if not self.named:
            return dict.fromkeys(("group_named", "group_right", "right"))
        strangers = [self.named[row] for row in self.strangers]
        groups = [name for name in strangers if name is not None and name.rank is Rank.GROUP]
        every = [self.named[row] for row in (*self.known, *self.strangers)]
        return {
            "group_named": _rate(
                np.array([name is not None and name.rank is Rank.GROUP for name in strangers], bool)
            ),
            "group_right": _rate(np.array([name.right for name in groups], bool)),
            "right": _rate(np.array([name.right for name in every if name is not None], bool)),
        }


@dataclass(frozen=True, slots=True)
class Judged:
    """Answers for photos as they are, and for each of them under its stresses."""

    clean: Results
    stressed: Results

    def by_stress(self) -> dict[str, Results]:
        """The stressed photos, one stress at a time."""
        stress = np.array(self.stressed.stress)
        return {name: self.stressed.where(stress == name) for name in sorted(set(stress.tolist()))}


def _rate(hits: Flags) -> dict[str, Any] | None:
    """A share with its 95 % interval, or None without photos."""
    if not len(hits):
        return None
    low, high = metrics.wilson(int(hits.sum()), len(hits))
    return {
        "rate": round(float(hits.mean()), 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "n": len(hits),
    }


def _mean(values: Array | Index) -> float | None:
    return round(float(values.mean()), 4) if len(values) else None


def _calibration(probability: Array, right: Flags) -> float | None:
    if not len(right):
        return None
    return round(metrics.expected_calibration_error(probability, right), 4)
