"""The results as tables, for a terminal and docs/performance.md, and its picture."""

import re
from collections.abc import Iterator
from pathlib import Path

from benchmarks.results import Run, Spread

_BLOCK = "<!-- {name}: begin -->\n{text}\n<!-- {name}: end -->"
_OURS, _OTHER, _LIMIT = "#1b7f5c", "#9aa0a6", "#c2410c"
_THREE_DIGITS = 100


class BadPage(Exception):
    """A page has no place for a table."""


def write(results: Run, page: Path) -> None:
    """Renew every table of `page`, and its picture; its sentences stay. Raises BadPage."""
    text = page.read_text(encoding="utf-8")
    for name, block in {"run": _run(results), **tables(results)}.items():
        pattern = re.compile(_BLOCK.format(name=name, text=".*?"), re.DOTALL)
        renewed = _BLOCK.format(name=name, text=block)
        text, places = pattern.subn(renewed.replace("\\", r"\\"), text)
        if places != 1:
            raise BadPage(f"{page} has {places} places for {name}, not one: <!-- {name}: begin -->")
    page.write_text(text, encoding="utf-8")
    page.with_suffix("").mkdir(exist_ok=True)
    draw(results, page.with_suffix("") / "latency.svg")


def tables(results: Run) -> dict[str, str]:
    """In Markdown, by the name of their places on the page."""
    return {
        "latency": _table(
            "photo | who | p50 ms | p99 ms | times the limit (quartiles)", _latency(results)
        ),
        "load": _table(
            "photo, 8 clients | who | photos/s | limit | of the limit | p50 ms | p99 ms",
            (
                f"{row.photo} | {row.service} | {_short(row.per_second)}"
                f" | {_short(row.limit_per_second)} | {row.to_limit.median:.0%}"
                f" ({row.to_limit.low:.0%}..{row.to_limit.high:.0%}) | {_percentiles(row.ms)}"
                for row in results.loads
            ),
        ),
        "cpu": _table(
            "CPU of a photo | functions, ms | model server, ms | client, ms | photos/s",
            (
                f"{row.photo} | {_short(row.functions)} | {_short(row.model_server)}"
                f" | {_short(row.client)} | {_short(row.per_second)}"
                for row in results.cpu
            ),
        ),
        "starts": _table(
            "start to first answer | seconds (quartiles) | target | MiB after it",
            (
                f"{row.function} | {_quartiles(row.seconds)} | {row.target or ''}"
                f" | {row.resident:,.0f}"
                for row in results.starts
            ),
        ),
        "lists": _table(
            "observations | page of 20 | p50 ms | p99 ms",
            (
                f"{row.observations:,} | {row.page:,} | {_percentiles(row.ms)}"
                for row in results.lists
            ),
        ),
    }


def draw(results: Run, path: Path) -> None:
    """Each photo, sent in each way, as a multiple of the limit. The first version is far off it."""
    import matplotlib as mpl  # noqa: PLC0415 - not installed for --help
    from matplotlib.figure import Figure  # noqa: PLC0415

    rows = [
        (f"{photo.photo}: {way.name}", way)
        for photo in results.photos
        for way in photo.ways
        if way.name != "first version"
    ]
    figure = Figure(figsize=(8, 0.6 + 0.25 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for row, (_, way) in enumerate(rows):
        ratio, colour = way.to_limit, _OTHER if way.name == "LitServe" else _OURS
        axes.barh(row, ratio.median, color=colour, height=0.7)
        axes.plot([ratio.low, ratio.high], [row, row], color="black", linewidth=1.2)
        axes.text(ratio.high, row, f"  {ratio.median:.2f}", va="center")
    axes.axvline(1, color=_LIMIT, linewidth=1.5)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    axes.invert_yaxis()
    axes.set_xlabel("times the limit (decoding and forward pass), median and quartiles")
    axes.spines[["top", "right"]].set_visible(False)
    with mpl.rc_context({"svg.hashsalt": "parrot"}):  # the same results give the same file
        figure.savefig(path, format="svg", metadata={"Date": None})


def _table(headings: str, rows: Iterator[str]) -> str:
    right = " ---: |" * headings.count("|")
    return "\n".join([f"| {headings} |", f"| --- |{right}", *(f"| {row} |" for row in rows)])


def _latency(results: Run) -> Iterator[str]:
    for photo in results.photos:
        name = f"{photo.photo}, {photo.megabytes:.1f} MB"
        limit = "limit" if photo.looks == 1 else "limit, looking twice"
        yield f"{name} | {limit} | {_percentiles(photo.limit_ms)} | 1"
        for way in photo.ways:
            who = way.name if way.name in {"LitServe", "first version"} else f"ours, {way.name}"
            yield f"{name} | {who} | {_percentiles(way.ms)} | {_quartiles(way.to_limit)}"


def _run(results: Run) -> str:
    return (
        f"Measured on {results.date}: {results.cores} cores, {results.photos[0].rounds} rounds for"
        f" each photo, load average {results.load_average:.1f} when the run began."
    )


def _percentiles(spread: Spread) -> str:
    return f"{_short(spread.median)} | {_short(spread.p99)}"


def _quartiles(spread: Spread) -> str:
    return f"{spread.median:.2f} ({spread.low:.2f}..{spread.high:.2f})"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= _THREE_DIGITS else f"{value:.3g}"
