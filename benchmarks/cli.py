"""`./dev.sh bench`."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from urllib3.exceptions import HTTPError

from benchmarks import photos, tables
from benchmarks.clients import WrongAnswer
from benchmarks.tables import BadPage
from local.progress import steps
from local.supervisor import PartFailed
from parrot.errors import ParrotError

if TYPE_CHECKING:
    from types import FrameType

app = typer.Typer(add_completion=False)
_INTERRUPTED = 130
_out = Console()
_err = Console(stderr=True)


@app.command()
def bench(
    *,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Measure longer: half an hour.")] = False,
    write: Annotated[
        Path | None, typer.Option(help="Renew this page's tables and pictures.", exists=True)
    ] = None,
    photo: Annotated[
        list[Path] | None, typer.Option(help="A photo to measure with; can be repeated.")
    ] = None,
) -> None:
    """Compare the service with what is physically possible and with others.

    The others are LitServe with the same model, and the first version.
    Takes four minutes. Times depend on the machine and its load, the ratios
    hardly do. A photo that leaves the service in doubt is looked at twice, by
    its limit too. docs/performance.md says what is measured.
    """
    signal.signal(signal.SIGTERM, _terminate)
    try:
        with steps(_err) as say:
            say("making photos")
            samples = photos.load(photo) if photo else photos.made()
            from benchmarks import measure  # noqa: PLC0415 - TensorFlow, not for --help

            effort = measure.FULL if full else measure.QUICK
            results = measure.run(samples, effort, say=say)
            if write:
                from benchmarks import report  # noqa: PLC0415 - matplotlib

                report.write(results, write)
    except KeyboardInterrupt:
        _err.print("[dim]stopped")
        raise typer.Exit(_INTERRUPTED) from None
    except (
        *(PartFailed, WrongAnswer, BadPage, ParrotError),
        *(OSError, HTTPError),
    ) as error:
        _err.print(f"[red]{error}", highlight=False)
        raise typer.Exit(1) from error
    if json:
        print(results.as_json())
    else:
        for table in tables.shown(results):
            _out.print(table)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
