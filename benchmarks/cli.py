"""`./dev.sh bench`."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import requests
import typer
from rich.console import Console

from benchmarks import photos
from benchmarks.clients import WrongAnswer
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
    photo: Annotated[
        list[Path] | None, typer.Option(help="A JPEG to measure with; can be repeated.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each photo is classified.")] = 6,
) -> None:
    """Compare the service with what is physically possible and with the first version.

    Takes two minutes. Times depend on the machine and its load; the ratios hardly do.
    docs/speed.md says what is measured.
    """
    signal.signal(signal.SIGTERM, _terminate)
    try:
        with _err.status("making photos") as status:
            samples = photos.load(photo) if photo else photos.made()
            from benchmarks import measure  # noqa: PLC0415 - TensorFlow, not for --help

            results = measure.run(samples, rounds=rounds, say=status.update)
    except KeyboardInterrupt:
        _err.print("[dim]stopped")
        raise typer.Exit(_INTERRUPTED) from None
    except (PartFailed, WrongAnswer, ParrotError, OSError, requests.RequestException) as error:
        _err.print(f"[red]{error}", highlight=False)
        raise typer.Exit(1) from error
    if json:
        print(results.as_json())
    else:
        results.show(_out)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
