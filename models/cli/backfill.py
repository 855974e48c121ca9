"""The command that judges every stored photo again with another bundle."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table

from models.cli import console
from models.cli.console import Bucket, Store

# ruff: noqa: PLC0415 - as in `models.cli`

commands = typer.Typer()


class Runner(StrEnum):
    """Where the pipeline runs."""

    DIRECT = "Direct"
    DATAFLOW = "Dataflow"


@commands.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def backfill(  # noqa: PLR0913 - the options of one command
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

    with console.errors():
        job = jobs.job(
            observations,
            bucket,
            bundle=bundle,
            sha256=sha256,
            model_server=model_server,
            batch=batch,
            max_photos=max_photos,
        )
        if dry_run:
            version = jobs.open_bundle(job).manifest.version
            photos, scanned = jobs.count(job, version)
            table = Table("paid for", "US$", title="at list prices")
            for name, usd in price(photos, scanned, dataflow=runner is Runner.DATAFLOW).items():
                table.add_row(name, f"{usd:.4f}")
            console.err.print(table)
            console.out.print(f"{photos} of {scanned} observations would be judged by {version}")
            return
        try:
            from models.backfill import pipeline
        except ModuleNotFoundError as error:
            raise ValueError(
                "Apache Beam is not installed here: ./dev.sh models backfill has an environment "
                "with it"
            ) from error
        outcomes = pipeline.run(job, runner.value, context.args)
    for outcome, photos in sorted(outcomes.items()):
        console.out.print(f"{outcome} {photos}", highlight=False)
    if not outcomes:
        console.out.print("nothing to do")
