"""The reports, each one self-contained HTML file: on one bundle, on two, on changed answers."""

from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
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
from models.report import charts, mistakes, tables
from models.report.about import About
from models.report.charts import Axis

_TEMPLATES = Path(__file__).with_name("templates")
_AGAINST = ((Group.OTHER_BIRDS, "other birds", "one"), (Group.NEGATIVES, "non-birds", "two"))


@dataclass(frozen=True, slots=True)
class GateCurve:
    """The gate at every threshold against one group; `style` is a class of the style sheet."""

    name: str
    style: str
    points: list[tuple[float, float]]  # share let through, share of parrots kept
    area: float
    through: float  # at the gate's working point
    kept: float


def write(
    path: Path,
    title: str,
    judged: Judged,
    names: Mapping[str, str],
    *,
    about: About | None = None,
) -> None:
    """Write the report on one bundle; `names` are the species' names by id.

    The file contains thumbnails of the photos: keep it as private as they are.
    """
    results = judged.clean
    curves = _curves(results)
    labels = [names.get(species, species) for species in results.species]
    columns = judged.columns
    figures = {
        **{name: column.figures() for name, column in columns.items()},
        **(about.stated if about else {}),
    }
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
        sources=len({photo.source for photo in results.photos}),
        names=labels,
        by_stress=tables.by_stress(judged),
        gate=curves,
        roc_axes=charts.roc(curves[0].kept, len(results.photos)) if curves else None,
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
            roc = metrics.roc(results.parrot[parrots], results.parrot[group])
            points = list(zip(roc.let_through.tolist(), roc.kept.tolist(), strict=True))
            through, kept = (float(results.is_parrot[of].mean()) for of in (group, parrots))
            curves.append(GateCurve(name, style, points, roc.area, through, kept))
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
            parts.append((title, bins, charts.reliability(bins)))
    return parts
