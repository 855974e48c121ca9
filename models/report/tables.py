"""Rows of the report's tables, and which species are confused."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from models.arrays import Index
from models.data.labelled_photos import Group
from models.evaluation import metrics, reasons
from models.evaluation.results import FIGURES, Judged, Results, rate

# A rate as `rate` gives it, or a text; None where there are no photos for it.
Cell = Mapping[str, Any] | str | None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table."""

    name: str
    cells: tuple[Cell, ...]


class ConfusionRow(NamedTuple):
    """How many photos of one true species get each answer; `truth` is its class index, if any."""

    name: str
    truth: int | None
    counts: list[int]


def by_figure(columns: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Every figure that at least one column has."""
    rows = [
        Row(name, tuple(_cell(figures.get(part, {}).get(key)) for figures in columns))
        for (part, key), name in FIGURES.items()
    ]
    return [row for row in rows if any(row.cells)]


def by_reason(columns: Sequence[Results]) -> list[Row]:
    """How often each is right, then how often it is found; empty where the bundle gives none."""
    return [
        Row(
            of_reason[0].reason.value.replace("_", " "),
            (
                *(metrics.rate(count.right, count.given) for count in of_reason),
                *(metrics.rate(count.right, count.due) for count in of_reason),
            ),
        )
        for of_reason in zip(*(reasons.counts(results) for results in columns), strict=True)
    ]


def by_stress(judged: Judged) -> list[Row]:
    """Photos as they are, then under every stress together, then under each."""
    rows = {"as they are": judged.clean, "stressed": judged.stressed, **judged.by_stress()}
    return [Row(name, (*_through(results), *_named(results))) for name, results in rows.items()]


def by_species(results: Results, names: Sequence[str]) -> list[Row]:
    """The species that have photos, worst first."""
    rows = []
    for index in np.unique(results.target[results.known]):
        of = results.where(results.target == index)
        wrong = Counter(names[guess] for guess in of.guess[~of.right])
        taken_for = ", ".join(f"{name} {count}" for name, count in wrong.most_common())
        right, held, size = _named(of)
        row = Row(names[index], (right, taken_for, _through(of)[0], held, size))
        rows.append((float(of.right.mean()), -len(of.photos), row.name, row))
    return [row for *_, row in sorted(rows, key=lambda row: row[:3])]


def by_source(results: Results) -> tuple[list[Row], list[Row]]:
    """Sources with a wrong verdict of the gate or a wrong species, most first; and all others."""
    source = np.array([photo.source for photo in results.photos])
    wrong = results.of(Group.PARROTS) != results.is_parrot
    wrong[results.known[~results.right]] = True
    rows = []
    for name in np.unique(source):
        here = results.where(source == name)
        mistakes, photos = int(wrong[source == name].sum()), len(here.photos)
        cells = (str(photos), str(mistakes or ""), _named(here)[0], *_through(here))
        rows.append((-mistakes, -photos, Row(short(str(name)), cells)))
    rows.sort(key=lambda row: (row[0], row[1], row[2].name))
    return [row for count, _, row in rows if count], [row for count, _, row in rows if not count]


def confusion(results: Results, names: Sequence[str]) -> list[ConfusionRow]:
    """A row for each species that has photos, then one for parrots of other species."""

    def row(name: str, truth: int | None, photos: Index) -> ConfusionRow:
        counts = np.bincount(results.guess[photos], minlength=len(results.species))
        return ConfusionRow(name, truth, counts.tolist())

    rows = [
        row(names[index], int(index), np.flatnonzero(results.target == index))
        for index in np.unique(results.target[results.known])
    ]
    strangers = results.strangers
    return [*rows, *([row("Parrots of other species", None, strangers)] if len(strangers) else [])]


def short(source: str) -> str:
    """A source as others may read it: of a folder's path, only the end."""
    path = Path(source)
    return "/".join(path.parts[-2:]) if path.is_absolute() else source


def _through(results: Results) -> tuple[Cell, ...]:
    """Shares that the gate lets through: parrots, other birds, non-birds."""
    return tuple(rate(results.is_parrot[results.of(group)]) for group in _GROUPS)


def _named(results: Results) -> tuple[Cell, Cell, Cell]:
    """Species right, set holds the true one, mean size of the set."""
    known = results.known
    size = f"{results.set_sizes[known].mean():.2f}" if len(known) else None
    held = results.sets[known, results.target[known]]
    return rate(results.right), rate(held), size


def _cell(figure: Any) -> Cell:
    return f"{figure:.3f}" if isinstance(figure, float) else figure


_GROUPS = (Group.PARROTS, Group.OTHER_BIRDS, Group.NEGATIVES)
