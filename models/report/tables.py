"""Results by species and by source, and which species are confused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.data.labelled_photos import Group
from models.evaluation import metrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.arrays import Flags, Index
    from models.evaluation.results import Judged, Results


@dataclass(frozen=True)
class Share:
    """`hits` of `photos`, with the 95 % interval (Wilson)."""

    hits: int
    photos: int

    @classmethod
    def of(cls, hits: Flags) -> Share | None:
        """The share of these photos; None without photos."""
        return cls(int(hits.sum()), len(hits)) if len(hits) else None

    @property
    def rate(self) -> float:
        """0..1."""
        return self.hits / self.photos

    @cached_property
    def interval(self) -> tuple[float, float]:
        """0..1 each."""
        return metrics.wilson(self.hits, self.photos)


@dataclass(frozen=True, slots=True)
class SpeciesRow:
    """One species; every share is of its photos."""

    name: str
    right: Share
    kept: Share  # by the gate
    held: Share  # by the set of species
    set_size: float
    taken_for: str


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source; None for shares that it has no photos for."""

    name: str
    photos: int
    mistakes: int  # photos with a wrong verdict or a wrong species
    right: Share | None
    kept: Share | None
    birds: Share | None  # let through
    negatives: Share | None  # let through


@dataclass(frozen=True, slots=True)
class StressRow:
    """Photos as they are, or under one stress; None where there are no photos of the kind."""

    name: str
    kept: Share | None  # parrots, by the gate
    birds: Share | None  # let through
    negatives: Share | None  # let through
    right: Share | None  # species
    held: Share | None  # by the set of species
    set_size: float | None


@dataclass(frozen=True, slots=True)
class ConfusionRow:
    """How many photos of one true species get each answer; `truth` is its class index, if any."""

    name: str
    truth: int | None
    counts: tuple[int, ...]

    @property
    def photos(self) -> int:
        """Of this row."""
        return sum(self.counts)


def by_species(results: Results, names: Sequence[str]) -> list[SpeciesRow]:
    """The species that have photos, worst first."""
    rows = []
    for index in np.unique(results.target[results.known]):
        photos = np.flatnonzero(results.target == index)
        wrong = Counter(names[guess] for guess in results.guess[photos] if guess != index)
        rows.append(
            SpeciesRow(
                names[index],
                Share(len(photos) - wrong.total(), len(photos)),
                Share(int(results.is_parrot[photos].sum()), len(photos)),
                Share(int(results.sets[photos, index].sum()), len(photos)),
                float(results.sets[photos].sum(axis=1).mean()),
                ", ".join(f"{name} {count}" for name, count in wrong.most_common()),
            )
        )
    return sorted(rows, key=lambda row: (row.right.rate, -row.right.photos, row.name))


def by_source(results: Results) -> list[SourceRow]:
    """Most mistakes first, then most photos."""
    source = np.array([photo.source for photo in results.photos])
    parrot = results.of(Group.PARROTS)
    known = results.target >= 0
    right = known & (results.guess == results.target)
    mistake = (parrot != results.is_parrot) | (known & ~right)
    rows = []
    for name in np.unique(source):
        here = source == name
        rows.append(
            SourceRow(
                short(str(name)),
                int(here.sum()),
                int(mistake[here].sum()),
                Share.of(right[here & known]),
                Share.of(results.is_parrot[here & parrot]),
                Share.of(results.is_parrot[here & results.of(Group.OTHER_BIRDS)]),
                Share.of(results.is_parrot[here & results.of(Group.NEGATIVES)]),
            )
        )
    return sorted(rows, key=lambda row: (-row.mistakes, -row.photos, row.name))


def by_stress(judged: Judged) -> list[StressRow]:
    """Photos as they are, then under every stress together, then under each."""
    rows = {"as they are": judged.clean, "stressed": judged.stressed, **judged.by_stress()}
    return [_stress_row(name, results) for name, results in rows.items()]


def _stress_row(name: str, results: Results) -> StressRow:
    known = results.known
    sets = results.sets[known]
    return StressRow(
        name,
        Share.of(results.is_parrot[results.of(Group.PARROTS)]),
        Share.of(results.is_parrot[results.of(Group.OTHER_BIRDS)]),
        Share.of(results.is_parrot[results.of(Group.NEGATIVES)]),
        Share.of(results.right),
        Share.of(results.sets[known, results.target[known]]),
        float(sets.sum(axis=1).mean()) if len(known) else None,
    )


def confusion(results: Results, names: Sequence[str]) -> list[ConfusionRow]:
    """A row for each species that has photos, then one for parrots of other species."""
    rows = [
        _confusion_row(results, names[index], int(index), np.flatnonzero(results.target == index))
        for index in np.unique(results.target[results.known])
    ]
    if len(results.strangers):
        rows.append(_confusion_row(results, "Parrots of other species", None, results.strangers))
    return rows


def short(source: str) -> str:
    """A source as others may read it: of a folder's path, only the end."""
    path = Path(source)
    return "/".join(path.parts[-2:]) if path.is_absolute() else source


def _confusion_row(results: Results, name: str, truth: int | None, photos: Index) -> ConfusionRow:
    counts = np.bincount(results.guess[photos], minlength=len(results.species))
    return ConfusionRow(name, truth, tuple(counts.tolist()))
