"""The answer for each labelled photo, and the figures computed from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from models.arrays import Array, Flags, Index
from models.data.labelled_photos import UNSORTED, Group, LabelledPhoto
from models.evaluation import metrics
from parrot.model.reason import Evidence
from parrot.records import Rank, Reason

_TOP = 3
# What each figure is called in the card, the report and the commands.
FIGURES = {
    ("species", "top1"): "species right",
    ("species", "top3"): "species among the top three",
    ("species", "mean_class_recall"): "species right, mean over species",
    ("species", "calibration_error"): "species, calibration error",
    ("gate", "parrots_kept"): "parrots kept",
    ("gate", "kept_or_maybe"): "parrots kept or maybe",
    ("gate", "other_birds_let_through"): "other birds let through",
    ("gate", "other_birds_maybe"): "other birds let through or maybe",
    ("gate", "negatives_let_through"): "non-birds let through",
    ("gate", "negatives_maybe"): "non-birds let through or maybe",
    ("gate", "not_alive_let_through"): "pictures and figures of birds let through",
    ("gate", "calibration_error"): "gate, calibration error",
    ("set", "coverage"): "set contains the true species",
    ("set", "mean_size"): "set, mean size",
    ("set", "empty"): "set empty for a known species",
    ("taxon", "one_name"): "known species given one name",
    ("set", "strangers_not_named_alone"): "parrots of other species not given one name",
    ("set", "strangers_mean_size"): "parrots of other species, set's mean size",
    ("taxon", "group_named"): "parrots of other species, group named",
    ("taxon", "group_right"): "parrots of other species, named group right",
    ("taxon", "right"): "named species, group or family right",
    ("looks", "mean"): "forward passes per photo",
}


@dataclass(frozen=True, slots=True)
class NamedTaxon:
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
    is_named: Flags  # whether that, or a "maybe"
    probabilities: Array
    sets: Flags
    looks: Array  # forward passes
    named: Sequence[NamedTaxon | None]  # the taxon that was named
    stress: Sequence[str]  # of each row, empty for a photo as it is
    evidence: Sequence[Evidence] = ()  # why it may not be a parrot; empty where that is not known
    reasons: Sequence[Reason | None] = ()  # what was said, for rows that are not a parrot

    @classmethod
    def joined(cls, parts: Sequence[Results]) -> Results:
        """One after the other; all of one table and one coverage."""
        columns = {name: [getattr(part, name) for part in parts] for name in _ROWS}
        return replace(parts[0], **{name: _joined(values) for name, values in columns.items()})

    def where(self, chosen: Sequence[bool] | Flags) -> Results:
        """Only these rows."""
        rows = np.flatnonzero(chosen)
        return replace(self, **{name: _taken(getattr(self, name), rows) for name in _ROWS})

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

    @cached_property
    def set_sizes(self) -> Index:
        """How many species each photo's set contains."""
        return np.asarray(self.sets.sum(axis=1))

    @cached_property
    def one_name(self) -> Flags:
        """Whether each photo is given one name: a set of one, in whose place no group is named."""
        wide = {Rank.GROUP, Rank.FAMILY}
        wider = [name is not None and name.rank in wide for name in self.named]
        one: Flags = self.is_named & (self.set_sizes == 1) & ~np.array(wider, bool)
        return one

    def of(self, group: Group, *, alive: bool = True) -> Flags:
        """Whether each photo belongs to the group; pictures and figures of birds are apart."""
        return np.array(
            [photo.group is group and photo.is_alive is alive for photo in self.photos], bool
        )

    def figures(self) -> dict[str, Any]:
        """The figures for the card, `metrics.json` and the manifest."""
        known, target = self.known, self.target[self.known]
        ranked = np.argsort(-self.probabilities[known], axis=1)
        truth, birds = self.of(Group.PARROTS), self.of(Group.OTHER_BIRDS)
        negatives, images = self.of(Group.NEGATIVES), self.of(Group.NEGATIVES, alive=False)
        sizes, told = self.set_sizes[known], self.is_named[known]
        strangers = np.where(self.is_named, self.set_sizes, 0)[self.strangers]
        recall = [self.right[target == k].mean() for k in np.unique(target)]
        return {
            "photos": len(self.photos),
            "species": {
                "photos": len(known),
                "top1": rate(self.right),
                "top3": rate((ranked[:, :_TOP] == target[:, None]).any(axis=1)),
                "mean_class_recall": round(float(np.mean(recall)), 4) if recall else None,
                "calibration_error": _calibration(
                    self.probabilities[known].max(axis=1), self.right
                ),
            },
            "gate": {
                "parrots_kept": rate(self.is_parrot[truth]),
                "kept_or_maybe": rate(self.is_named[truth]),
                "other_birds_let_through": rate(self.is_parrot[birds]),
                "other_birds_maybe": rate(self.is_named[birds]),
                "negatives_let_through": rate(self.is_parrot[negatives]),
                "negatives_maybe": rate(self.is_named[negatives]),
                "not_alive_let_through": rate(self.is_parrot[images]),
                "calibration_error": _calibration(self.parrot, truth),
            },
            "set": {
                "stated_coverage": self.coverage,
                "coverage": rate(self.sets[known, target][told]),
                "mean_size": _mean(sizes[told]),
                "empty": rate(sizes[told] == 0),
                "strangers_not_named_alone": rate(~self.one_name[self.strangers]),
                "strangers_mean_size": _mean(strangers),
            },
            "taxon": self._taxa(),
            "looks": {"mean": _mean(self.looks)},
        }

    def _taxa(self) -> dict[str, Any]:
        """How often a group is named for parrots of other species, and how often it is right."""
        strangers = [self.named[row] for row in self.strangers]
        groups = [name for name in strangers if name is not None and name.rank is Rank.GROUP]
        every = [self.named[row] for row in (*self.known, *self.strangers)]
        return {
            "one_name": rate(self.one_name[self.known][self.is_named[self.known]]),
            "group_named": rate(
                np.array([name is not None and name.rank is Rank.GROUP for name in strangers], bool)
            ),
            "group_right": rate(np.array([name.right for name in groups], bool)),
            "right": rate(np.array([name.right for name in every if name is not None], bool)),
        }


_ROWS = [field.name for field in fields(Results) if field.name not in {"species", "coverage"}]


def _joined(values: Sequence[Any]) -> Any:
    if isinstance(values[0], np.ndarray):
        return np.concatenate(values)
    return [row for part in values for row in part]


def _taken(values: Any, rows: Index) -> Any:
    """What is not known of any row is empty."""
    if isinstance(values, np.ndarray):
        return values[rows]
    return [values[row] for row in rows.tolist()] if values else values


@dataclass(frozen=True, slots=True)
class Judged:
    """Answers for photos as they are, and for each of them under its stresses."""

    clean: Results
    stressed: Results

    @classmethod
    def of(cls, samples: Sequence[Results]) -> Judged:
        """The first sample is the photo as it is; there may be no other."""
        clean, *stressed = samples
        none = clean.where(np.zeros(len(clean.photos), bool))
        return cls(clean, Results.joined(stressed) if stressed else none)

    @property
    def columns(self) -> dict[str, Results]:
        """By name; photos as phones take them are some of those as they are."""
        phone = np.array([photo.phone_like for photo in self.clean.photos], bool)
        some = {"phone-like": self.clean.where(phone)} if phone.any() else {}
        stressed = {"stressed": self.stressed} if self.stressed.photos else {}
        return {"as they are": self.clean, **some, **stressed}

    def figures(self) -> dict[str, Any]:
        """The figures by column, as the card has them."""
        return {name: results.figures() for name, results in self.columns.items()}

    def by_stress(self) -> dict[str, Results]:
        """The stressed photos, one stress at a time."""
        stress = np.array(self.stressed.stress)
        return {name: self.stressed.where(stress == name) for name in sorted(set(stress.tolist()))}


def rate(hits: Flags) -> dict[str, Any] | None:
    """The share of these photos with its 95 % interval, or None without photos."""
    return metrics.rate(int(hits.sum()), len(hits))


def figure_text(figure: Any) -> str:
    """A rate with its interval, a number, or an empty text."""
    if figure is None:
        return ""
    if isinstance(figure, dict):
        return (
            f"{figure['rate']:.2%} ({figure['low']:.1%}..{figure['high']:.1%}, n = {figure['n']})"
        )
    return f"{figure:.4f}"


def rate_or_number(figure: Any) -> float | None:
    """The figure without its interval, None where there are no photos for it."""
    value = figure["rate"] if isinstance(figure, dict) else figure
    return None if value is None else float(value)


def _mean(values: Array | Index) -> float | None:
    return round(float(values.mean()), 4) if len(values) else None


def _calibration(probability: Array, right: Flags) -> float | None:
    if not len(right):
        return None
    return round(metrics.expected_calibration_error(probability, right), 4)
