"""The answer for each labelled photo, and the figures computed from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from models.data.labelled_photos import UNSORTED, Group
from models.evaluation import metrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.arrays import Array, Flags, Index
    from models.data.labelled_photos import LabelledPhoto

_TOP = 3


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
                "mean_size": round(float(sizes.mean()), 4) if len(sizes) else None,
                "empty": _rate(sizes == 0),
                "strangers_not_named_alone": _rate(self.sets[self.strangers].sum(axis=1) != 1),
            },
        }


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


def _calibration(probability: Array, right: Flags) -> float | None:
    if not len(right):
        return None
    return round(metrics.expected_calibration_error(probability, right), 4)
