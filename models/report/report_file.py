"""The reports, each one self-contained HTML file: on one bundle, on two, on changed answers."""

import math
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from models.arrays import Array, Flags
from models.data.labelled_photos import Group
from models.evaluation import metrics
from models.evaluation.comparison import ComparisonTable
from models.evaluation.metrics import CalibrationBin
from models.evaluation.results import Judged, Results
from models.report import mistakes, tables
from models.report.about import About

_TEMPLATES = Path(__file__).with_name("templates")
# Edges of the frame, in a picture of 440 x 340 px.
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 426, 14, 294
_TINY = 1e-9
_STATED = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999)
_ROOM = 2.5  # of the scale below the working point, compared with above it
_AGAINST = ((Group.OTHER_BIRDS, "other birds", "one"), (Group.NEGATIVES, "non-birds", "two"))


@dataclass(frozen=True, slots=True)
class Axis:
    """The scale of a chart, which `templates/parts.html` draws as SVG.

    Shares from the first tick to the last, in pixels from `start` to `end`.
    """

    title: str
    ticks: Sequence[float]
    start: int
    end: int
    stretch: Callable[[float], float] = float

    def at(self, share: float) -> float:
        """Its place in pixels, which may be outside the frame."""
        low, high = self.stretch(self.ticks[0]), self.stretch(self.ticks[-1])
        part = (self.stretch(share) - low) / (high - low)
        return round(self.start + part * (self.end - self.start), 1)

    def held(self, share: float) -> float:
        """As `at`, or the nearest end of the axis."""
        return self.at(min(max(share, self.ticks[0]), self.ticks[-1]))


@dataclass(frozen=True, slots=True)
class GateCurve:
    """The gate at every threshold against one group; `style` is a class of the style sheet."""

    name: str
    style: str
    points: list[tuple[float, float]]  # share let through, share of parrots kept
    area: float
    through: float  # at the gate's working point
    kept: float


def write(path: Path, title: str, judged: Judged, names: Mapping[str, str], about: About) -> None:
    """Write the report on one bundle; `names` are the species' names by id.

    The file contains thumbnails of the photos: keep it as private as they are.
    """
    results = judged.clean
    curves = _curves(results)
    labels = [names.get(species, species) for species in results.species]
    columns = judged.columns
    figures = {**{name: column.figures() for name, column in columns.items()}, **about.stated}
    _render(
        "report.html",
        path,
        title=title,
        about=about,
        columns=list(figures),
        by_figure=tables.by_figure(list(figures.values())),
        judged_columns=list(columns),
        by_reason=tables.by_reason(list(columns.values())),
        results=results,
        groups=Counter(photo.group.value for photo in results.photos),
        sources=len({photo.source for photo in results.photos} - {""}),
        names=labels,
        by_stress=tables.by_stress(judged),
        gate=curves,
        roc_axes=_roc_axes(curves[0].kept, len(results.photos)) if curves else None,
        calibrated=_calibrated(results),
        confusion=tables.confusion(results, labels),
        by_species=tables.by_species(results, labels),
        by_source=tables.by_source(results),
        mistakes=[
            *mistakes.kinds(results, labels),
            *(
                mistakes.worst(name, some, labels)
                for name, some in columns.items()
                if some is not results
            ),
        ],
    )


def write_comparison(
    path: Path, compared: Sequence[ComparisonTable], names: tuple[str, str], about: About
) -> None:
    """Write the report on two bundles of these names."""
    # Verdicts on photos as they are and on all stressed ones.
    verdicts = Counter(line.verdict for table in compared[:2] for line in table.differences)
    values = {"names": names, "about": about, "tables": compared, "verdicts": verdicts}
    _render("comparison.html", path, title=f"{names[0]} and {names[1]} compared", **values)


@dataclass(frozen=True, slots=True)
class ChangedAnswer:
    """A stored photo that a candidate answers otherwise; `picture` is its clean copy, WebP."""

    handle: str
    change: str
    label: str
    before: str
    after: str
    picture: bytes | None

    @property
    def source(self) -> str | None:
        """The picture as a URL."""
        if self.picture is None:
            return None
        return f"data:image/webp;base64,{b64encode(self.picture).decode()}"


def write_shadow(
    path: Path, rows: Sequence[ChangedAnswer], names: tuple[str, str], summary: str
) -> None:
    """Write the page to look at before a candidate of these two bundles is promoted.

    The file contains the photos: keep it as private as they are.
    """
    title = f"{names[1]} beside {names[0]}"
    kinds = sorted({row.change for row in rows})
    by_change = {kind: [row for row in rows if row.change == kind] for kind in kinds}
    _render("shadow.html", path, title=title, names=names, summary=summary, by_change=by_change)


def _render(name: str, path: Path, **values: Any) -> None:
    """A page that escapes whatever it is given, and fails where something is missing."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    html = environment.get_template(name).render(**values)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8")


def _curves(results: Results) -> list[GateCurve]:
    """Against each group; none without parrots."""
    parrots, curves = results.of(Group.PARROTS), []
    for kind, name, style in _AGAINST:
        group = results.of(kind)
        if parrots.any() and group.any():
            points, area = metrics.roc(results.parrot[parrots], results.parrot[group])
            through, kept = (float(results.is_parrot[of].mean()) for of in (group, parrots))
            curves.append(GateCurve(name, style, points, area, through, kept))
    return curves


def _calibrated(results: Results) -> list[tuple[str, list[CalibrationBin], tuple[Axis, Axis]]]:
    """Title, bins and scales, for the gate and for the species head."""
    likeliest = results.probabilities[results.known].max(axis=1)
    heads: tuple[tuple[str, Array, Flags], ...] = (
        ("Probability of parrot", results.parrot, results.of(Group.PARROTS)),
        ("Probability of the likeliest species", likeliest, results.right),
    )
    parts = []
    for title, stated, right in heads:
        if len(stated):
            bins = metrics.calibration_bins(stated, right)
            parts.append((title, bins, _reliability_axes(bins)))
    return parts


def _roc_axes(kept: float, most: int) -> tuple[Axis, Axis]:
    """Of a gate that keeps this share; at most so many photos were in a group."""
    powers = range(max(-5, math.floor(-math.log10(most))), 1)
    lowest = max(0.0, math.floor(20 * (1 - _ROOM * max(0.02, 1 - kept))) / 20)
    ticks = [lowest + (1 - lowest) * part / 5 for part in range(6)]
    through = Axis("let through", [10.0**power for power in powers], _LEFT, _RIGHT, _log)
    return through, Axis("parrots kept", ticks, _BOTTOM, _TOP)


def _reliability_axes(bins: Sequence[CalibrationBin]) -> tuple[Axis, Axis]:
    """For stated and observed shares, down to the lowest."""
    lowest = min(min(part.stated, part.low) for part in bins)
    start = max((number for number, tick in enumerate(_STATED) if tick <= lowest), default=0)
    ticks = _STATED[min(start, len(_STATED) - 4) :]
    stated = Axis("stated", ticks, _LEFT, _RIGHT, _logit)
    return stated, Axis("observed", ticks, _BOTTOM, _TOP, _logit)


def _logit(share: float) -> float:
    """Stretches both ends of 0..1, where most probabilities are."""
    inside = min(max(share, _TINY), 1 - _TINY)
    return math.log(inside / (1 - inside))


def _log(share: float) -> float:
    """Gives every power of ten the same space."""
    return math.log(max(share, _TINY))
