"""Two bundles on the same photos, as one self-contained HTML file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.evaluation import comparison
from models.report.report_file import template

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from models.evaluation.comparison import Difference
    from models.evaluation.results import Judged
    from models.report.about import About

_CLASSES = {"better": "better", "worse": "worse"}


@dataclass(frozen=True, slots=True)
class Line:
    """A difference and where its interval lies on its table's scale, 0..1 with 0.5 for none."""

    difference: Difference
    low: float
    high: float
    at: float

    @property
    def style(self) -> str:
        """The colour of its verdict."""
        return _CLASSES.get(self.difference.verdict, "same")


@dataclass(frozen=True, slots=True)
class Part:
    """One table; `reach` is the difference at both ends of its scale."""

    title: str
    photos: int
    reach: float
    lines: tuple[Line, ...]


def parts(before: Judged, after: Judged) -> list[Part]:
    """Photos as they are, every stress together, then each stress."""
    one, other = before.by_stress(), after.by_stress()
    pairs = {
        "as they are": (before.clean, after.clean),
        "stressed": (before.stressed, after.stressed),
        **{name: (one[name], other[name]) for name in one},
    }
    return [
        _part(title, len(first.photos), comparison.compare(first, second))
        for title, (first, second) in pairs.items()
    ]


def write(path: Path, found: list[Part], names: tuple[str, str], about: About) -> None:
    """Write the report; `names` are those of the two bundles."""
    html = template("comparison.html").render(
        title=f"{names[0]} and {names[1]} compared",
        names=names,
        about=about,
        parts=found,
        counts=_counts(found),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8")


def _part(title: str, photos: int, differences: list[Difference]) -> Part:
    most = max((max(abs(line.low), abs(line.high)) for line in differences), default=0.0)
    reach = float(np.ceil(max(most, 0.001) * 100) / 100)

    def place(value: float) -> float:
        return 0.5 + value / reach / 2

    lines = tuple(
        Line(line, place(line.low), place(line.high), place(line.after - line.before))
        for line in differences
    )
    return Part(title, photos, reach, lines)


def _counts(found: list[Part]) -> Mapping[str, int]:
    """Verdicts on photos as they are and on all stressed ones."""
    verdicts = [line.difference.verdict for part in found[:2] for line in part.lines]
    return {name: verdicts.count(name) for name in ("better", "worse", comparison.NO_DIFFERENCE)}
