"""`./dev.sh bench`."""

import signal
from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown
from urllib3.exceptions import HTTPError

from benchmarks import measure, photos, report
from benchmarks.clients import WrongAnswer
from local.progress import steps
from local.supervisor import PartFailed
from parrot.errors import ParrotError

app = typer.Typer(add_completion=False)
_out, _err = Console(), Console(stderr=True)


@app.command()
def bench(
    *,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Measure longer: half an hour.")] = False,
    write: Annotated[
        Path | None, typer.Option(help="Renew this page's tables and picture.", exists=True)
    ] = None,
    photo: Annotated[
        list[Path] | None, typer.Option(help="A photo to measure with; can be repeated.")
    ] = None,
) -> None:
    """Compare the service with what is physically possible and with others.

    The others are LitServe with the same model, and the first version.
    Takes five minutes. Times depend on the machine and its load, the ratios
    hardly do. docs/performance.md says what is measured.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with steps(_err) as say:
            say("making photos")
            files = [photos.PhotoFile.of(path.name, path.read_bytes()) for path in photo or ()]
            results = measure.run(files or photos.made(), 10 if full else 1, say=say)
            if write:
                report.write(results, write)
    except KeyboardInterrupt:
        _err.print("[dim]stopped")
        raise typer.Exit(130) from None
    except (PartFailed, WrongAnswer, report.BadPage, ParrotError, HTTPError, OSError) as error:
        _err.print(f"[red]{error}", highlight=False)
        raise typer.Exit(1) from error
    if json:
        print(dumps(asdict(results), ensure_ascii=False))
    else:
        for name, table in report.tables(results).items():
            _out.print(Markdown(f"## {name}\n{table}"))
