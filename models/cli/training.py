"""Commands that use labelled photos: fit, evaluate, compare."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.cli import console
from models.cli.console import FEATURE_CACHE, BundleFolder, Cache, Photos, SpeciesFile
from models.folders import DEFAULT_BUNDLE, LOCAL
from parrot.model.manifest import SPECIES
from parrot.model.species import SpeciesTable

if TYPE_CHECKING:
    from models.data.features import Extractor
    from models.evaluation.results import Results
    from models.report.about import About
    from models.training.fit import Order
    from models.training.judging import Fitted

commands = console.Commands()
STEPS = 600  # of fine-tuning, as in `tuner.Recipe`
_LEAST = 30  # photos: a share of fewer says little
_LEAST_OF_A_SPECIES = 8  # 16 from three sources are good
# A figure, what it is at least or at most, what there should be more of if not, and its words.
_GOALS = (
    (("gate", "parrots_kept"), 0.9, True, "parrots", "keeps {} of 100 parrots"),
    (("species", "top1"), 0.85, True, "of each species", "names {} of 100 right"),
    (
        *(("gate", "other_birds_let_through"), 0.1, False, "other birds"),
        "takes {} of 100 other birds for parrots",
    ),
    (
        *(("gate", "negatives_let_through"), 0.05, False, "pictures without birds"),
        "takes {} of 100 other pictures for parrots",
    ),
)

Keep = Annotated[float, typer.Option(help="Share of parrots that the gate lets through.")]
Coverage = Annotated[
    float, typer.Option(help="How often the set of species contains the true one.")
]
Maybe = Annotated[float, typer.Option(help="Share of parrots that are at least maybe one.")]
Served = Annotated[
    int | None,
    typer.Option(help="Species, the first ones, that phones of the first version know."),
]
AlthoughWorse = Annotated[
    bool,
    typer.Option("--although-worse", help="Take them even if a guarded figure gets worse."),
]


@commands.command()
def fit(
    photos: Photos,
    *,
    out: Annotated[
        Path | None, typer.Option(help="Bundle folder to write; default: .local/bundles/VERSION.")
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="Bundle version; default: today's date.")
    ] = None,
    model_version: Annotated[str, typer.Option(help="Version of the served model.")] = "1",
    species: SpeciesFile = DEFAULT_BUNDLE / SPECIES,
    keep: Keep = 0.955,
    coverage: Coverage = 0.95,
    maybe: Maybe = 0.985,
    served: Served = None,
    seed: Annotated[int, typer.Option(help="Seed of the cross-validation.")] = 0,
    finetune: Annotated[
        bool, typer.Option("--finetune", help="Also fine-tune the backbone's last blocks.")
    ] = False,
    although_worse: AlthoughWorse = False,
    steps: Annotated[int, typer.Option(help="Steps of fine-tuning, for each fold.")] = STEPS,
    report: Annotated[Path | None, typer.Option(help="HTML report to write.")] = None,
    cache: Cache = FEATURE_CACHE,
) -> None:
    """Fit gate and species head on labelled photos, and write a bundle with its model card.

    Features are extracted once and kept; an interrupted run continues where it stopped. With
    --finetune the last blocks of the backbone are fitted as well: 71 minutes on two busy cores and
    3 GB of disk for 3,600 photos. They go into the bundle only if no guarded figure gets worse; the
    card says what was compared.
    """
    from models.training.calibration import FitPolicy
    from models.training.fine_tuning import FineTuningOrder
    from models.training.fit import Order
    from models.training.fit import fit as fit_bundle
    from models.training.tuner import Recipe

    name = version or f"{datetime.now(UTC):%Y-%m-%d}"
    order = Order(
        photos=photos,
        species_csv=species,
        version=name,
        model_version=model_version,
        out=out or LOCAL / "bundles" / name,
        policy=FitPolicy(keep=keep, maybe=maybe, coverage=coverage, served=served, seed=seed),
        fine_tuning=FineTuningOrder(
            cache.parent / "fine-tuning", Recipe(steps=steps), although_worse
        )
        if finetune
        else None,
    )
    with console.progress() as (progress, step):
        fitted = fit_bundle(order, _extractor(cache), progress=progress, step=step)
        if report is not None:
            step("report")
            _report_fit(report, order, fitted)
    _show_fit(fitted)
    console.out.print(f"bundle: {order.out}", soft_wrap=True)
    console.err.print(f"[dim]try it: ./dev.sh demo --bundle {order.out} PHOTO...", soft_wrap=True)


@commands.command()
def evaluate(
    photos: Photos,
    *,
    bundle: BundleFolder = DEFAULT_BUNDLE,
    report: Annotated[Path | None, typer.Option(help="HTML report to write.")] = None,
    metrics: Annotated[Path | None, typer.Option(help="metrics.json to write.")] = None,
    cache: Cache = FEATURE_CACHE,
) -> None:
    """Evaluate a bundle on labelled photos. Use photos that it was not fitted on."""
    from models.evaluation import evaluator, reasons
    from models.report import about, report_file

    with console.progress() as (progress, step):
        extractor = _extractor(cache)
        (judged,) = evaluator.evaluate([bundle], photos, extractor, progress=progress, say=step)
        context = about.of_bundles([bundle], judged.clean.photos)
        if report is not None:
            step("report")
            names = _english(bundle / SPECIES)
            report_file.write(report, f"Bundle {bundle.name}", judged, names, context)
            _report_written(report)
    if metrics is not None:
        metrics.parent.mkdir(parents=True, exist_ok=True)
        figures = {
            **judged.clean.figures(),
            "stressed": judged.stressed.figures(),
            "by_stress": {name: rows.figures() for name, rows in judged.by_stress().items()},
            "reasons": reasons.figures(judged.stressed),
            "data": context.data,
            "warnings": list(context.warnings),
        }
        metrics.write_text(json.dumps(figures, indent=1))
    console.out.print(console.figures(judged.columns, title=bundle.name))
    _warn(context)


@commands.command()
def compare(
    before: Annotated[Path, typer.Argument(help="Bundle folder.", exists=True)],
    after: Annotated[Path, typer.Argument(help="Bundle folder.", exists=True)],
    photos: Photos,
    *,
    report: Annotated[Path | None, typer.Option(help="HTML report to write.")] = None,
    cache: Cache = FEATURE_CACHE,
) -> None:
    """Compare two bundles on the same photos, with 95 % intervals of the differences."""
    from models.evaluation import comparison, evaluator
    from models.report import about, report_file

    with console.progress() as (progress, step):
        folders, extractor = [before, after], _extractor(cache)
        judged = evaluator.evaluate(folders, photos, extractor, progress=progress, say=step)
        tables = comparison.compare(*judged)
        context = about.of_bundles(folders, judged[0].clean.photos)
        if report is not None:
            step("report")
            # Folders of one name go by their manifests' versions.
            names = (before.name, after.name) if before.name != after.name else context.bundles
            report_file.write_comparison(report, tables, (names[0], names[1]), context)
            _report_written(report)
    console.out.print(console.compared(tables[:2], (before.name, after.name)))
    _warn(context)


def _report_fit(path: Path, order: Order, fitted: Fitted) -> None:
    from models.report import about, report_file

    seed, photos = order.policy.seed, fitted.judged.clean.photos
    report_file.write(
        path,
        f"Bundle {order.version}, cross-validated",
        fitted.judged,
        _english(order.species_csv),
        about.of_bundles([order.out], photos, seed=seed),
    )
    _report_written(path)


def _show_fit(fitted: Fitted) -> None:
    """A sentence for everybody; then figures, and what fine-tuning changed."""
    console.out.print(f"[bold]{usable(fitted.judged.clean)}", soft_wrap=True)
    console.out.print(console.figures(fitted.judged.columns))
    if fitted.fine_tuning is None:
        return
    title = f"fine-tuned last blocks: {'' if fitted.fine_tuning.accepted else 'not '}accepted"
    table = console.headed("figure", "published", "fine-tuned", texts={"figure"}, title=title)
    for figure in fitted.fine_tuning.guarded:
        style = "red" if figure.worse else ""
        table.add_row(figure.name, f"{figure.frozen:.2%}", f"{figure.tuned:.2%}", style=style)
    console.out.print(table)


def usable(results: Results) -> str:
    """Whether a fit can be used, in one sentence that a person understands, before all tables."""
    figures = results.figures()
    needs, told = [], []
    for (part, key), bound, least, what, words in _GOALS:
        figure = figures[part][key] or {"rate": bound, "n": 0}
        share, photos = figure["rate"], figure["n"]
        if photos < _LEAST or (share < bound if least else share > bound):
            needs.append(f"more {what} ({photos} photos)")
        if photos:
            told.append(words.format(round(share * 100)))
    counts = Counter(results.species[number] for number in results.target[results.known])
    needs += [
        f"more of {name} ({count} photos)"
        for name, count in counts.items()
        if count < _LEAST_OF_A_SPECIES
    ]
    if needs:
        return f"not usable yet: needs {', '.join(needs)}; so far it {', '.join(told)}"
    return f"usable: {', '.join(told)}"


def _extractor(cache: Path) -> Extractor:
    from models.data.features import Extractor

    return Extractor(cache)


def _english(species_csv: Path) -> dict[str, str]:
    from models.data import species_table

    return {row.id: row.english for row in SpeciesTable.parse(species_table.read(species_csv)).rows}


def _report_written(path: Path) -> None:
    console.err.print(f"report: {path}", soft_wrap=True)


def _warn(context: About) -> None:
    """What the reader of a table must know."""
    for warning in context.warnings:
        console.err.print(f"[yellow]warning: {warning}", highlight=False, soft_wrap=True)
