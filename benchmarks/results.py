"""The results of a run as records, as tables and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console


@dataclass(frozen=True, slots=True)
class Spread:
    """The median and both quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of one value or more."""
        low, median, high = np.percentile(values, (25, 50, 75))
        return cls(float(median), float(low), float(high))

    def show(self) -> str:
        """The median (low..high)."""
        return f"{_short(self.median)} [dim]({_short(self.low)}..{_short(self.high)})[/dim]"


@dataclass(frozen=True, slots=True)
class PhotoResult:
    """One photo, asked alone.

    Ratios are computed round by round, so that the machine's other load cancels out.
    """

    photo: str
    megapixels: float
    megabytes: float
    limit_ms: Spread
    ours_ms: Spread
    first_version_ms: Spread
    ours_to_limit: Spread
    first_version_to_ours: Spread
    limit_steps_ms: dict[str, float]  # medians: decode, forward
    ours_steps_ms: dict[str, float]  # medians: what Server-Timing says, and the rest


@dataclass(frozen=True, slots=True)
class Pair:
    """One figure of both services. A `ratio` above 1 is in our favour."""

    what: str
    unit: str
    ours: float
    first_version: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Results:
    """One run."""

    date: str
    rounds: int
    cores: int | None
    photos: tuple[PhotoResult, ...]
    pairs: tuple[Pair, ...]
    alone: dict[str, float]  # functions/classify by itself, as it is deployed

    def as_json(self) -> str:
        """One object on one line."""
        return json.dumps(asdict(self), ensure_ascii=False)

    def show(self, console: Console) -> None:
        """Tables."""
        console.print(self._latency())
        console.print(self._steps())
        console.print(self._pairs())
        console.print(
            f"[dim]functions/classify by itself, as it is deployed: {_listed(self.alone)}\n"
            f"{self.date}, {self.rounds} rounds; median (quartiles), ratios round by round"
        )

    def _latency(self) -> Table:
        table = _table(
            "one photo after the other, milliseconds",
            *("photo", "MB", "limit", "ours", "first", "ours / limit", "first / ours"),
        )
        for row in self.photos:
            table.add_row(
                row.photo,
                f"{row.megabytes:.1f}",
                _short(row.limit_ms.median),
                _short(row.ours_ms.median),
                _short(row.first_version_ms.median),
                row.ours_to_limit.show(),
                row.first_version_to_ours.show(),
            )
        return table

    def _steps(self) -> Table:
        table = _table("where the milliseconds go", "photo", "limit", "ours")
        for row in self.photos:
            table.add_row(row.photo, _listed(row.limit_steps_ms), _listed(row.ours_steps_ms))
        return table

    def _pairs(self) -> Table:
        table = _table("besides", "what", "ours", "first", "times better")
        for pair in self.pairs:
            table.add_row(
                pair.what,
                f"{_short(pair.ours)} {pair.unit}",
                f"{_short(pair.first_version)} {pair.unit}",
                _short(pair.ratio),
            )
        return table


def _table(title: str, *headings: str) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, show_edge=False
    )
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left")
    return table


def _listed(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {_short(value)}" for name, value in values.items())


def _short(value: float) -> str:
    """Three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004
