"""The results as tables: for a terminal, and for docs/performance.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table as Rich

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.results import Results, Spread


class BadPage(Exception):
    """A page has no place for a table."""


@dataclass(frozen=True, slots=True)
class Table:
    """Texts in rows; the first column is the row's name."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def rich(self) -> Rich:
        """For a terminal."""
        out = Rich(title=self.title, title_justify="left", box=SIMPLE_HEAD, show_edge=False)
        for number, heading in enumerate(self.headings):
            out.add_column(heading, justify="right" if number else "left")
        for row in self.rows:
            out.add_row(*row)
        return out

    def markdown(self) -> str:
        """For a page."""
        lines = [self.headings, ("---", *("---:" for _ in self.headings[1:])), *self.rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def tables(results: Results) -> dict[str, Table]:
    """Every table by the name under which a page shows it."""
    return {
        "latency": _latency(results),
        "steps": _steps(results),
        "load": _load(results),
        "cpu": _cpu(results),
        "starts": _starts(results),
        "lists": _lists(results),
        "memory": _memory(results),
        "fleets": _fleets(results),
    }


def _latency(results: Results) -> Table:
    rows = []
    for photo in results.photos:
        name = f"{photo.photo}, {photo.megabytes:.1f} MB"
        limit = "limit" if photo.looks == 1 else "limit, looking twice"
        rows.append((name, limit, *_percentiles(photo.limit_ms), "1"))
        rows += [
            (name, _who(way.name), *_percentiles(way.ms), _spread(way.to_limit))
            for way in photo.ways
        ]
    headings = ("photo", "who", "p50 ms", "p99 ms", "times the limit (quartiles)")
    return Table("One photo after the other", headings, tuple(rows))


def _who(way: str) -> str:
    return way if way in {"LitServe", "first version"} else f"ours, {way}"


def _steps(results: Results) -> Table:
    rows = [
        (
            photo.photo,
            _listed(photo.limit_steps_ms),
            next(_listed(way.steps_ms) for way in photo.ways if way.steps_ms),
        )
        for photo in results.photos
    ]
    return Table("Where the milliseconds go", ("photo", "limit", "ours, multipart"), tuple(rows))


def _load(results: Results) -> Table:
    rows = [
        (
            row.photo,
            row.service,
            short(row.per_second),
            short(row.limit_per_second),
            f"{row.to_limit.median:.0%} ({row.to_limit.low:.0%}..{row.to_limit.high:.0%})",
            *_percentiles(row.ms),
        )
        for row in results.loads
    ]
    headings = ("photo", "who", "photos/s", "limit", "of the limit", "p50 ms", "p99 ms")
    return Table("8 clients at once, against what all cores can do", headings, tuple(rows))


def _cpu(results: Results) -> Table:
    rows = [
        (
            row.photo,
            *map(short, (row.functions, row.model_server, row.client)),
            *map(short, (row.per_second, row.predicted_per_second)),
        )
        for row in results.cpu
    ]
    headings = (
        "photo",
        "functions, ms",
        "model server, ms",
        "client, ms",
        "photos/s measured",
        "simulated",
    )
    return Table("CPU for one photo with 8 clients, on one core", headings, tuple(rows))


def _starts(results: Results) -> Table:
    rows = [
        (
            row.function,
            f"{row.seconds.median:.2f} ({row.seconds.low:.2f}..{row.seconds.high:.2f})",
            "" if row.target is None else f"{row.target:g}",
            f"{row.resident:,.0f}",
        )
        for row in results.starts
    ]
    headings = ("what", "seconds (quartiles)", "target", "MiB after it")
    return Table("Start to first answer", headings, tuple(rows))


def _lists(results: Results) -> Table:
    rows = [
        (f"{row.observations:,}", f"{row.page:,}", *_percentiles(row.ms)) for row in results.lists
    ]
    headings = ("observations", "page", "p50 ms", "p99 ms")
    return Table("A page of 20 observations", headings, tuple(rows))


def _memory(results: Results) -> Table:
    rows = [(name, f"{mebi:,.0f} MiB resident") for name, mebi in results.resident.items()]
    rows += [
        (f"{name}: to its model server and back", f"{short(sent)} kB, {short(back)} kB")
        for name, (sent, back) in results.wire_kb.items()
    ]
    return Table("Memory and network", ("what", "how much"), tuple(rows))


def _fleets(results: Results) -> Table:
    rows = [
        (
            f"{row.photos_per_second:,}",
            f"{row.functions:,}",
            f"{row.model_servers:,}",
            *_percentiles(row.ms),
            f"{row.dollars_per_hour:,.2f}",
            f"{row.dollars_per_million:,.2f}",
        )
        for row in results.fleets
    ]
    headings = (
        "photos/s",
        "functions",
        "model servers",
        "p50 ms",
        "p99 ms",
        "$ an hour",
        "$ a million photos",
    )
    return Table("Instances and cost, simulated", headings, tuple(rows))


def _percentiles(spread: Spread) -> tuple[str, str]:
    return short(spread.median), short(spread.p99)


def _spread(spread: Spread) -> str:
    return f"{spread.median:.2f} ({spread.low:.2f}..{spread.high:.2f})"


def _listed(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {short(value)}" for name, value in values.items())


def short(value: float) -> str:
    """Three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004


def shown(results: Results) -> Iterator[Rich]:
    """Every table for a terminal."""
    for table in tables(results).values():
        yield table.rich()
