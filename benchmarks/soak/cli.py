"""`./dev.sh soak`."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Annotated

import requests
import typer
from rich.console import Console

from benchmarks.soak import run
from local.progress import steps
from local.supervisor import PartFailed

if TYPE_CHECKING:
    from types import FrameType

app = typer.Typer(add_completion=False)
_out, _err = Console(), Console(stderr=True)
_INTERRUPTED = 130


@app.command()
def soak(
    *,
    minutes: Annotated[float, typer.Option(min=2.0, help="How long requests are sent.")] = 30.0,
    users: Annotated[int, typer.Option(min=1, help="How many people send them.")] = 6,
    seed: Annotated[int, typer.Option(help="The same seed makes the same people.")] = 1,
) -> None:
    """Send mixed requests for half an hour while parts of the local stack are killed.

    Fails if a save is lost, an answer is wrong, or a process grows by more than 5 percent.
    """
    signal.signal(signal.SIGTERM, _terminate)
    try:
        with steps(_err) as say:
            report = run.soak(minutes=minutes, users=users, seed=seed, say=say)
    except KeyboardInterrupt:
        _err.print("[dim]stopped")
        raise typer.Exit(_INTERRUPTED) from None
    except (PartFailed, OSError, requests.RequestException) as error:
        _err.print(f"[red]{error}", highlight=False)
        raise typer.Exit(1) from error
    _out.print("\n".join(report.lines()), markup=False, highlight=False)
    if report.failures:
        raise typer.Exit(1)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
