"""Figures of several results in columns: photos as they are, stressed, from new sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.evaluation import reasons
from models.evaluation.figures import FIGURES
from models.report.tables import Share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.evaluation.results import Results


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure; only shares of photos have an interval."""

    text: str
    low: float | None = None
    high: float | None = None
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One figure; None for a column without photos for it."""

    name: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """One reason for what was not taken for a parrot."""

    name: str
    right: tuple[Share | None, ...]  # of those that got it, by column
    found: tuple[Share | None, ...]  # of those that it is right for


def rows(columns: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Every figure that at least one column has."""
    found = [
        Row(name, tuple(_cell(figures.get(part, {}).get(key)) for figures in columns))
        for (part, key), name in FIGURES.items()
    ]
    return [row for row in found if any(row.cells)]


def reason_rows(columns: Sequence[Results]) -> list[ReasonRow]:
    """Empty where the bundle gives no reasons."""
    lines = [reasons.lines(results) for results in columns]
    return [
        ReasonRow(
            found[0].reason.value.replace("_", " "),
            tuple(Share(line.right, line.given) if line.given else None for line in found),
            tuple(Share(line.right, line.due) if line.due else None for line in found),
        )
        for found in zip(*lines, strict=True)
    ]


def _cell(found: Any) -> Cell | None:
    if found is None:
        return None
    if isinstance(found, dict):
        return Cell(f"{found['rate']:.2%}", found["low"], found["high"], found["rate"])
    return Cell(f"{found:.3f}")
