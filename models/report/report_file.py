"""The evaluation report: one self-contained HTML file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from models.data.labelled_photos import Group
from models.evaluation import curves
from models.evaluation.figures import FIGURES
from models.report import charts, mistakes, side_by_side, tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jinja2 import Template
    from markupsafe import Markup

    from models.arrays import Array, Flags
    from models.evaluation.results import Judged, Results
    from models.report.about import About

_TEMPLATES = Path(__file__).with_name("templates")
_PARTS = {
    "gate": "Is it a parrot",
    "species": "Which species",
    "set": "Set of species",
    "taxon": "Name of the lowest sure rank",
    "looks": "Cost",
}
_AGAINST = ((Group.OTHER_BIRDS, "other birds", "one"), (Group.NEGATIVES, "non-birds", "two"))
_STATED = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999)
_ZOOMS = (
    (0.95, (0.95, 0.96, 0.97, 0.98, 0.99, 1.0)),
    (0.9, (0.9, 0.92, 0.94, 0.96, 0.98, 1.0)),
    (0.8, (0.8, 0.85, 0.9, 0.95, 1.0)),
    (0.5, (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)),
    (0.0, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)),
)
_LARGE_SET = 6  # sets of this size and larger share one bar


@dataclass(frozen=True, slots=True)
class Figure:
    """A line of the summary; only shares of photos have an interval."""

    name: str
    text: str
    low: float | None = None
    high: float | None = None
    photos: int | None = None


@dataclass(frozen=True, slots=True)
class Legend:
    """A curve's name and its figures."""

    name: str
    style: str
    areas: tuple[float, float]  # under the ROC curve; average precision
    kept: float
    through: float


def write(  # noqa: PLR0913 - a report's parts
    path: Path,
    title: str,
    judged: Judged,
    names: Mapping[str, str],
    *,
    about: About | None = None,
    new_sources: Results | None = None,
) -> None:
    """Write the report; `names` are the species' names by id.

    `new_sources` are answers of models that saw no photo of the same source.
    The file contains thumbnails of the photos: keep it as private as they are.
    """
    results = judged.clean
    labels = [names.get(species, species) for species in results.species]
    columns = {"as they are": results, "stressed": judged.stressed}
    if new_sources is not None:
        columns["new sources"] = new_sources
    figures: dict[str, Mapping[str, Any]] = {
        name: column.figures() for name, column in columns.items()
    }
    figures.update(about.stated if about else {})
    html = template("report.html").render(
        title=title,
        about=about,
        columns=list(figures),
        side_by_side=side_by_side.rows(list(figures.values())),
        judged_columns=list(columns),
        reasons=side_by_side.reason_rows(list(columns.values())),
        results=results,
        groups=Counter(photo.group.value for photo in results.photos),
        sources=len({photo.source for photo in results.photos}),
        summary=_summary(results.figures()),
        names=labels,
        stress=tables.by_stress(judged),
        gate=_gate(results),
        reliability=_reliability(results),
        confusion=tables.confusion(results, labels),
        species=tables.by_species(results, labels),
        source=tables.by_source(results),
        sets=_sets(results, labels),
        mistakes=mistakes.kinds(results, labels),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8")


def template(name: str) -> Template:
    """A page that escapes whatever it is given, and fails where something is missing."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def _summary(figures: dict[str, Any]) -> dict[str, list[Figure]]:
    """The card's figures by part, without those that there are no photos for."""
    return {
        title: [
            _figure(name, figures[part][key])
            for (of, key), name in FIGURES.items()
            if of == part and figures[part][key] is not None
        ]
        for part, title in _PARTS.items()
    }


def _figure(name: str, found: Any) -> Figure:
    if isinstance(found, dict):
        return Figure(name, f"{found['rate']:.2%}", found["low"], found["high"], found["n"])
    return Figure(name, f"{found:.3f}")


def _gate(results: Results) -> dict[str, Any] | None:
    """ROC and precision-recall curves; None without parrots or without anything else."""
    truth = results.of(Group.PARROTS)
    against = [(results.of(group), name, style) for group, name, style in _AGAINST]
    against = [line for line in against if line[0].any()]
    if not truth.any() or not against:
        return None
    yes, kept = results.parrot[truth], float(results.is_parrot[truth].mean())
    roc, precision, legend = [], [], []
    for group, name, style in against:
        no, through = results.parrot[group], float(results.is_parrot[group].mean())
        passed = kept * len(yes) + through * len(no)
        exact = kept * len(yes) / passed if passed else 1.0
        one, other = curves.roc(yes, no), curves.precision_recall(yes, no)
        roc.append(charts.Line(name, style, _points(one), (through, kept)))
        precision.append(charts.Line(name, style, _points(other), (kept, exact)))
        legend.append(Legend(name, style, (one.area, other.area), kept, through))
    most = max(int(group.sum()) for group, _, _ in against)
    powers = range(max(-5, int(np.floor(np.log10(1 / most)))), 1)
    through_axis = charts.Axis("let through", [10.0**power for power in powers], charts.log)
    recall, exact_axis = (
        charts.Axis(title, _zoom([line.marked[place] for line in precision]))
        for title, place in (("parrots kept", 0), ("parrots among all that is kept", 1))
    )
    return {
        "legend": legend,
        "roc": charts.curves("ROC of the gate", through_axis, recall, roc),
        "precision": charts.curves("Precision and recall", recall, exact_axis, precision),
    }


def _points(curve: curves.Curve) -> list[tuple[float, float]]:
    return list(zip(curve.x.tolist(), curve.y.tolist(), strict=True))


def _zoom(shares: Sequence[float], room: float = 2.5) -> tuple[float, ...]:
    """Ticks up to 1 that leave room below these shares."""
    lowest = 1 - room * (1 - min(shares))
    return next((ticks for start, ticks in _ZOOMS if start <= lowest), _ZOOMS[-1][1])


def _reliability(results: Results) -> list[tuple[str, Markup, list[curves.Bin]]]:
    """Title, chart and bins, for the gate and for the species head."""
    known = results.known
    likeliest = results.probabilities[known].max(axis=1)
    return [
        (title, *_reliability_of(title, stated, right))
        for title, stated, right in (
            ("Probability of parrot", results.parrot, results.of(Group.PARROTS)),
            ("Probability of the likeliest species", likeliest, results.right),
        )
        if len(stated)
    ]


def _reliability_of(
    title: str, probability: Array, right: Flags
) -> tuple[Markup, list[curves.Bin]]:
    bins = curves.reliability(probability, right)
    lowest = min(min(found.stated, found.low) for found in bins)
    start = max((number for number, tick in enumerate(_STATED) if tick <= lowest), default=0)
    ticks = _STATED[min(start, len(_STATED) - 4) :]
    stated, observed = (charts.Axis(name, ticks, charts.logit) for name in ("stated", "observed"))
    return charts.reliability(f"Reliability: {title}", stated, observed, bins), bins


def _sets(results: Results, names: Sequence[str]) -> dict[str, Markup] | None:
    """Set sizes, and coverage by species; None if no species is known."""
    if not len(results.known):
        return None
    groups = [("known species", "one", results.known), ("other species", "two", results.strangers)]
    sizes = {
        name: np.minimum(results.sets[photos].sum(axis=1), _LARGE_SET) for name, _, photos in groups
    }
    largest = max(int(found.max(initial=1)) for found in sizes.values())
    categories = [str(size) for size in range(largest + 1)]
    if largest == _LARGE_SET:
        categories[-1] = f"{_LARGE_SET}+"
    bars = [
        charts.Bars(
            name, style, (np.bincount(sizes[name], minlength=largest + 1) / len(photos)).tolist()
        )
        for name, style, photos in groups
        if len(photos)
    ]
    lines = [
        charts.Interval(
            row.name,
            row.held.rate,
            *row.held.interval,
            f"{row.held.hits} of {row.held.photos}: {row.held.rate:.1%}",
        )
        for row in tables.by_species(results, names)
    ]
    lines.sort(key=lambda line: (line.share, line.name))
    axis = charts.Axis(
        "sets that contain the true species", _zoom([line.low for line in lines], 1.0)
    )
    return {
        "sizes": charts.bars("Set sizes", "species in the set", categories, bars),
        "coverage": charts.intervals("Coverage by species", axis, lines, results.coverage),
    }
