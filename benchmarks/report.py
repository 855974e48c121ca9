"""docs/performance.md: its tables and pictures are replaced, its sentences stay."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from benchmarks import plots
from benchmarks.tables import BadPage, tables

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.results import Results

_BLOCK = "<!-- {name}: begin -->\n{text}<!-- {name}: end -->"


def write(results: Results, page: Path) -> None:
    """Renew every table of `page`, and the pictures in a folder beside it. Raises BadPage."""
    text = page.read_text(encoding="utf-8")
    blocks = {name: table.markdown() for name, table in tables(results).items()}
    for name, block in {"run": _run(results), **blocks}.items():
        pattern = re.compile(_BLOCK.format(name=name, text=".*?"), re.DOTALL)
        renewed = _BLOCK.format(name=name, text=block)
        text, places = pattern.subn(renewed.replace("\\", r"\\"), text)
        if places != 1:
            raise BadPage(f"{page} has {places} places for {name}, not one: <!-- {name}: begin -->")
    page.write_text(text, encoding="utf-8")
    plots.write(results, page.with_suffix(""))


def _run(results: Results) -> str:
    once, twice = ([row.photo for row in results.photos if row.looks == n] for n in (1, 2))
    return (
        f"Measured on {results.date}: {results.cores} cores, {results.photos[0].rounds} rounds for"
        f" each photo, load average {results.load_average:.1f} when the run began.\n"
        f"Looked at once: {'; '.join(once) or 'none'}. Looked at twice, as `Server-Timing` said:"
        f" {'; '.join(twice) or 'none'}.\n"
    )
