"""The commands that work on every stored photo, also on many machines: backfill, export-saved."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from models.cli import console
from models.cli.console import Bucket, SpeciesFile, Store
from models.data import stores
from models.folders import DEFAULT_BUNDLE
from parrot.model.manifest import SPECIES

if TYPE_CHECKING:
    from collections import Counter
    from types import ModuleType

    from models.backfill.pipeline import Work

commands = console.Commands()
BEAMS_OPTIONS = {"allow_extra_args": True, "ignore_unknown_options": True}


class Runner(StrEnum):
    """Where the pipeline runs."""

    DIRECT = "Direct"
    DATAFLOW = "Dataflow"


@commands.command(context_settings=BEAMS_OPTIONS)
def backfill(
    context: typer.Context,
    observations: Store,
    bucket: Bucket,
    *,
    bundle: Annotated[str, typer.Option(help="gs://BUCKET/bundles/VERSION, or a folder.")],
    model_server: Annotated[str, typer.Option(help="URL of a TF Serving REST API.")],
    sha256: Annotated[str | None, typer.Option(help="Of the bundle's manifest.json.")] = None,
    runner: Annotated[Runner, typer.Option(help="This machine, or Dataflow.")] = Runner.DIRECT,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count and price; change nothing.")
    ] = False,
    max_photos: Annotated[int | None, typer.Option(min=1, help="Stop after this many.")] = None,
    batch: Annotated[
        int, typer.Option(min=1, max=128, help="Photos per request to the model server.")
    ] = 16,
) -> None:
    """Judge stored photos again with another bundle: an Apache Beam pipeline.

    Photos with a verdict of that bundle are skipped, so a killed run continues where it
    stopped, and a second run does nothing. Nothing is written to the bucket, so `process` does not
    run. Further options are Beam's own: --project, --region, --temp_location, --max_num_workers.
    """
    from models.backfill import job as jobs
    from models.backfill.price import price

    job = jobs.job(
        observations,
        bucket,
        bundle=bundle,
        sha256=sha256,
        model_server=model_server,
        batch=batch,
        max_photos=max_photos,
    )
    version = jobs.open_bundle(job).manifest.version
    stores.photos(observations, bucket)  # whether they are there is said before anything is read
    if dry_run:
        if context.args:
            _checked_pipeline(context)
        keys = [key is not None for key in jobs.scan(job, version)]
        photos, scanned = sum(keys), len(keys)
        table = Table("paid for", "US$", title="at list prices")
        for name, usd in price(photos, scanned, dataflow=runner is Runner.DATAFLOW).items():
            table.add_row(name, f"{usd:.4f}")
        console.err.print(table)
        console.out.print(f"{photos} of {scanned} observations would be judged by {version}")
        return
    outcomes = _on_workers(job, runner, context)
    if not outcomes:
        console.out.print("nothing to do")


@commands.command(context_settings=BEAMS_OPTIONS)
def export_saved(
    context: typer.Context,
    observations: Store,
    bucket: Bucket,
    out: Annotated[
        str, typer.Argument(help="Folder to write, for fit to read, or gs://BUCKET/FOLDER.")
    ],
    *,
    species: SpeciesFile = DEFAULT_BUNDLE / SPECIES,
    bundle: Annotated[
        str, typer.Option("--for", help="Version to be fitted on them; noted, for receipts.")
    ] = "",
    runner: Annotated[
        Runner | None, typer.Option(help="Copy by an Apache Beam pipeline, here or on Dataflow.")
    ] = None,
) -> None:
    """Copy the saved photos that may train and whose label is confirmed, as input for fit.

    A run that was killed continues when it is repeated. With a runner further options are Beam's
    own, as for backfill.
    """
    from models.backfill.job import ExportJob
    from models.data import saved_photos, species_table

    with console.err.status("copying"):
        if context.args and runner is None:
            raise ValueError(f"{context.args[0]} is Beam's option, if anybody's: name a --runner")
        if runner is Runner.DATAFLOW and not out.startswith("gs://"):
            raise ValueError(
                f"{out} is on this machine: workers of Dataflow need gs://BUCKET/FOLDER"
            )
        training, table = stores.training(observations), species_table.read(species)
        job = ExportJob(observations, bucket, table, out, bundle, training)
        folder = job.folder()  # whether it may be written to is said at once
        photos = stores.photos(observations, bucket)  # and whether there is anything to copy
        if runner is None:
            exported = saved_photos.export(
                stores.observations(observations),
                photos,
                table,
                folder,
                bundle=bundle,
                training=training,
            )
        else:
            _on_workers(job, runner, context)
            exported = job.finish()
    left_out = ", ".join(f"{count} {why}" for why, count in exported.left_out.most_common())
    console.out.print(
        f"{exported.written} photos in {out}, {exported.exam} of them in exam.csv, never to be"
        f" fitted on; left out: {left_out or 'none'}",
        soft_wrap=True,
    )


def _on_workers(job: Work, runner: Runner, context: typer.Context) -> Counter[str]:
    """Print how many photos had which outcome, and return it. Raises as `_checked_pipeline`."""
    outcomes: Counter[str] = _checked_pipeline(context).run(job, runner.value, context.args)
    for outcome, photos in sorted(outcomes.items()):
        console.out.print(f"{outcome} {photos}", highlight=False)
    return outcomes


def _checked_pipeline(context: typer.Context) -> ModuleType:
    """Beam's part. Raises ValueError without Beam, and for options that nobody knows."""
    try:
        from models.backfill import pipeline
    except ModuleNotFoundError as error:
        raise ValueError(
            "Apache Beam is not installed here: ./dev.sh models has an environment with it for"
            " backfill and for --runner"
        ) from error
    pipeline.check(context.args, [name for param in context.command.params for name in param.opts])
    return pipeline
