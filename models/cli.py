"""Train, compare, publish and serve the models that tell parrots apart."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from models.report import display
from parrot.model.inputs import Crop, Encoding, InputSpec, Resampling, Scaling

if TYPE_CHECKING:
    from models.data.features import Extractor
    from models.data.feedback import AllObservations
    from models.evaluation.results import Results

# Heavy modules (TensorFlow, scikit-learn) are imported by the command that needs them, so that
# --help answers at once.
# ruff: noqa: PLC0415

_ROOT = Path(__file__).parent.parent
_DEFAULT = _ROOT / "models" / "default"
_LOCAL = _ROOT / ".local"
_MODELS = _LOCAL / "models"
_CACHE = _LOCAL / "features.sqlite"

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)

Photos = Annotated[
    list[Path], typer.Argument(help="Photo folders or CSVs (path,label,group).", exists=True)
]
Cache = Annotated[Path, typer.Option(help="Where features are kept between runs.")]
Target = Annotated[str, typer.Option("--to", help="gs://BUCKET or a folder.")]
BundleFolder = Annotated[Path, typer.Option("--bundle", help="Bundle folder.", exists=True)]


@app.command()
def build(
    bundle: BundleFolder = _DEFAULT,
    to: Annotated[Path, typer.Option(help="Model folder to write NAME/VERSION into.")] = _MODELS,
) -> None:
    """Build the SavedModel from the ImageNet backbone and a bundle's species head."""
    from models.network.build import build as build_model

    with display.errors(), display.err.status("building"):
        folder = build_model(bundle, to)
    display.out.print(f"{folder}", soft_wrap=True)


@app.command()
def fit(  # noqa: PLR0913 - the options of one command
    photos: Photos,
    *,
    out: Annotated[Path | None, typer.Option(help="Bundle folder to write.")] = None,
    version: Annotated[str | None, typer.Option(help="Bundle version; today's date.")] = None,
    model_version: Annotated[str, typer.Option(help="Version of the served model.")] = "1",
    species: Annotated[Path, typer.Option(help="species.csv.")] = _DEFAULT / "species.csv",
    keep: Annotated[float, typer.Option(help="Share of parrots to let through.")] = 0.975,
    coverage: Annotated[float, typer.Option(help="Coverage of the species set.")] = 0.95,
    seed: Annotated[int, typer.Option(help="Of the cross-validation.")] = 0,
    report: Annotated[Path | None, typer.Option(help="HTML report to write.")] = None,
    cache: Cache = _CACHE,
) -> None:
    """Fit gate and species head on labelled photos, calibrate, write a bundle with its card.

    Features are extracted once and kept; an interrupted run goes on where it stopped.
    """
    from models.training.fit import Policy
    from models.training.training import Order, train

    name = version or f"{datetime.now(UTC):%Y-%m-%d}"
    order = Order(
        photos=photos,
        species_csv=species,
        version=name,
        model_version=model_version,
        out=out or _LOCAL / "bundles" / name,
        policy=Policy(keep=keep, coverage=coverage, seed=seed),
    )
    with display.errors(), display.progress() as (progress, step):
        fitted = train(order, _extractor(cache), progress=progress, step=step)
        if report is not None:
            step("report")
            _write_report(report, f"Bundle {name}, cross-validated", fitted.results)
    gates = Table(title=f"gates that keep {keep:.1%} of parrots let through; * from new sources")
    for heading in ("gate", "other birds", "non-birds", "birds *", "non-birds *"):
        gates.add_column(heading, justify="left" if heading == "gate" else "right")
    for candidate in fitted.candidates:
        shares = (
            candidate.birds,
            candidate.others,
            candidate.birds_new_sources,
            candidate.others_new_sources,
        )
        style = "bold" if candidate.kind == fitted.gate.scorer.kind else ""
        gates.add_row(candidate.kind, *(f"{share:.2%}" for share in shares), style=style)
    display.out.print(gates)
    display.out.print(
        display.figures({"cross-validated": fitted.results, "new sources": fitted.new_sources})
    )
    display.out.print(f"bundle: {order.out}", soft_wrap=True)


@app.command()
def evaluate(
    photos: Photos,
    *,
    bundle: BundleFolder = _DEFAULT,
    report: Annotated[Path | None, typer.Option(help="HTML report to write.")] = None,
    metrics: Annotated[Path | None, typer.Option(help="metrics.json to write.")] = None,
    cache: Cache = _CACHE,
) -> None:
    """What a bundle answers for labelled photos; photos it was fitted on flatter it."""
    from models.evaluation.evaluate import evaluate as evaluate_bundle

    with display.errors(), display.progress() as (progress, step):
        results = evaluate_bundle(bundle, photos, _extractor(cache), progress=progress)
        if report is not None:
            step("report")
            _write_report(report, f"Bundle {bundle.name}", results)
    if metrics is not None:
        metrics.parent.mkdir(parents=True, exist_ok=True)
        metrics.write_text(json.dumps(results.figures(), indent=1))
    display.out.print(display.figures({bundle.name: results}))


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="Bundle folder.", exists=True)],
    after: Annotated[Path, typer.Argument(help="Bundle folder.", exists=True)],
    photos: Photos,
    *,
    cache: Cache = _CACHE,
) -> None:
    """Two bundles on the same photos, with 95 % intervals of the difference."""
    from models.evaluation.compare import compare as compare_results
    from models.evaluation.evaluate import evaluate as evaluate_bundle

    with display.errors(), display.progress() as (progress, _step):
        extractor = _extractor(cache)
        results = [
            evaluate_bundle(folder, photos, extractor, progress=progress)
            for folder in (before, after)
        ]
        differences = compare_results(*results)
    table = Table()
    for heading in ("figure", before.name, after.name, "difference", "95 % interval", "verdict"):
        table.add_column(heading, justify="left" if heading in {"figure", "verdict"} else "right")
    for line in differences:
        table.add_row(
            f"{line.figure} [dim](n = {line.photos})",
            f"{line.before:.2%}",
            f"{line.after:.2%}",
            f"{(line.after - line.before) * 100:+.2f}",
            f"{line.low * 100:+.2f}..{line.high * 100:+.2f}",
            line.verdict,
        )
    display.out.print(table)


@app.command()
def publish(
    to: Target,
    bundle: BundleFolder = _DEFAULT,
) -> None:
    """Upload a bundle as a version and read it back; a version is never overwritten."""
    from models.publishing import releases
    from models.publishing.stores import open_store
    from parrot.adapters.model_bundle import FolderBundle

    with display.errors():
        release, new = releases.publish(FolderBundle(bundle), open_store(to))
    display.out.print(f"{release.version} {'published' if new else 'was published before'}")
    display.out.print("pin it with:", style="dim")
    pin = f"MODEL_BUNDLE={release.version} MODEL_BUNDLE_SHA256={release.manifest_sha256}"
    display.out.print(pin, soft_wrap=True)


@app.command(name="list")
def list_(to: Target) -> None:
    """Published versions, and which one is current."""
    from models.publishing import releases
    from models.publishing.stores import open_store

    with display.errors():
        store = open_store(to)
        found, now = releases.releases(store), releases.current(store)
    table = Table()
    table.add_column("version", overflow="fold", min_width=10)
    table.add_column("current since", overflow="fold", min_width=10)
    table.add_column("manifest sha256", overflow="fold")
    for release in found:
        is_current = now is not None and now.now.version == release.version
        promoted = now.now.promoted if now and is_current else ""
        table.add_row(release.version, promoted, release.manifest_sha256)
    display.out.print(table)


@app.command()
def promote(version: str, to: Target) -> None:
    """Let functions without a pinned version follow this one from their next start."""
    from models.publishing import releases
    from models.publishing.stores import open_store

    with display.errors():
        promotion = releases.promote(version, open_store(to))
    display.out.print(
        f"{promotion.version} is current; manifest {promotion.manifest_sha256}", soft_wrap=True
    )


@app.command()
def rollback(to: Target) -> None:
    """Promote again what was current before the current version."""
    from models.publishing import releases
    from models.publishing.stores import open_store

    with display.errors():
        promotion = releases.rollback(open_store(to))
    display.out.print(
        f"{promotion.version} is current again; manifest {promotion.manifest_sha256}",
        soft_wrap=True,
    )


@app.command()
def export_saved(
    observations: Annotated[str, typer.Argument(help="sqlite:PATH or firestore:PROJECT.")],
    bucket: Annotated[str, typer.Argument(help="Bucket with the photos.")],
    out: Annotated[Path, typer.Argument(help="Folder to write; fit reads it.")],
    *,
    species: Annotated[Path, typer.Option(help="species.csv.")] = _DEFAULT / "species.csv",
) -> None:
    """Fetch what people saved, with the species they chose, as photos for fit."""
    from google.cloud.storage import Client

    from models.data.feedback import export
    from parrot.adapters.photo_store import BucketPhotos
    from parrot.model.species import SpeciesTable

    data = species.read_bytes()
    with display.errors(), display.err.status("fetching"):
        exported = export(
            _observations(observations),
            BucketPhotos(Client(), bucket),
            SpeciesTable.parse(data),
            data,
            out,
        )
    display.out.print(
        f"{exported.written} photos in {out}; left out: {exported.unlabelled} without a known"
        f" species, {exported.unprocessed} not processed or rejected, {exported.duplicates}"
        f" near-duplicates, {exported.without_photo} without a photo",
        soft_wrap=True,
    )


@app.command()
def species_json(
    bundle: BundleFolder = _DEFAULT,
    to: Annotated[Path, typer.Option(help="File to write.")] = _ROOT / "public" / "species.json",
) -> None:
    """Write the static list of species that Hosting serves."""
    from parrot.http.answers import species as species_body
    from parrot.model.species import SpeciesTable

    with display.errors():
        rows = SpeciesTable.parse((bundle / "species.csv").read_bytes()).rows
        lines = ",\n".join(json.dumps(species_body(row), ensure_ascii=False) for row in rows)
        to.write_text(f'{{"species": [\n{lines}\n]}}\n', encoding="utf-8")
    display.out.print(f"{to}", soft_wrap=True)


@app.command()
def adopt(
    joblib_folder: Annotated[
        Path, typer.Argument(help="With the four .joblib files.", exists=True)
    ],
    species: Annotated[Path, typer.Argument(help="species.csv in class order.", exists=True)],
    out: Annotated[Path, typer.Argument(help="Bundle folder to write.")],
    version: Annotated[str, typer.Option(help="Bundle version.")] = "first",
) -> None:
    """Make a bundle of the first version's joblib files. They are unpickled: trust them."""
    from models.publishing.first_version import adopt as adopt_files

    with display.errors():
        adopt_files(joblib_folder, species, version, out)
    display.out.print(f"bundle: {out}", soft_wrap=True)


@app.command()
def wrap(  # noqa: PLR0913 - the options of one command
    source: Annotated[Path, typer.Argument(help="SavedModel, .keras or .h5.", exists=True)],
    out: Annotated[Path, typer.Argument(help="NAME/VERSION folder to write.")],
    *,
    width: Annotated[int, typer.Option(help="Input width in pixels.")],
    height: Annotated[int, typer.Option(help="Input height in pixels.")],
    scaling: Annotated[Scaling, typer.Option(help="Range that the model wants.")],
    crop: Annotated[Crop, typer.Option(help="How a photo becomes that rectangle.")] = Crop.CENTER,
    resampling: Annotated[
        Resampling, typer.Option(help="How it is made smaller.")
    ] = Resampling.ANTIALIAS,
    encoding: Annotated[Encoding, typer.Option(help="What functions will send.")] = Encoding.RAW,
    signature: Annotated[str | None, typer.Option(help="Of the source, if it has several.")] = None,
) -> None:
    """Make a model that wants floats take raw pixels or JPEG files, preprocessing in its graph."""
    from models.network.wrap import wrap as wrap_model

    spec = InputSpec(width, height, crop=crop, resampling=resampling, scaling=scaling)
    with display.errors(), display.err.status("wrapping"):
        done = wrap_model(source, out, spec, signature=signature)
    display.err.print("its entry in a manifest's models:", style="dim")
    display.out.print_json(data=done.manifest(encoding))
    for name, shape in done.outputs.items():
        display.err.print(f"output {name} {shape}", markup=False)
    display.err.print(f"largest difference to the source on noise: {done.difference:.2g}")


@app.command()
def serve(  # noqa: PLR0913 - the options of one command
    base: Annotated[
        Path, typer.Option(help="Model folder: NAME/VERSION/saved_model.pb.")
    ] = _MODELS,
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the REST API; 0: a free one.")] = 8501,
    poll_seconds: Annotated[
        float, typer.Option(help="How often to look for versions; 0: once.")
    ] = 1.0,
    label: Annotated[list[str] | None, typer.Option(help="NAME:LABEL=VERSION.")] = None,
    versions: Annotated[list[str] | None, typer.Option(help="NAME:all or NAME:1,2.")] = None,
) -> None:
    """Serve SavedModels over TF Serving's REST API."""
    from local import model_server as server

    with display.errors():
        server.run(
            base,
            host=host,
            port=port,
            poll_seconds=poll_seconds,
            labels=label or [],
            versions=versions or [],
        )


def _observations(where: str) -> AllObservations:
    kind, _, name = where.partition(":")
    if kind == "sqlite":
        from parrot.adapters.sqlite import SqliteObservations

        return SqliteObservations(Path(name))
    if kind == "firestore":
        from google.cloud.firestore import Client

        from parrot.adapters.firestore import FirestoreObservations

        return FirestoreObservations(Client(project=name or None))
    raise ValueError(f"{where!r} is neither sqlite:PATH nor firestore:PROJECT")


def _extractor(cache: Path) -> Extractor:
    from models.data.features import Extractor
    from models.network.backbone import LITE2

    return Extractor(LITE2, cache)


def _write_report(path: Path, title: str, results: Results) -> None:
    from models.report.report import write

    write(path, title, results)
    display.err.print(f"report: {path}", soft_wrap=True)
