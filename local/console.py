"""What the commands print, and errors as sentences."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from local.model_servers import EngineMissing
from local.stack import DataUnusable
from local.supervisor import PartFailed, PortTaken
from local.toolchain import ToolMissing
from parrot.errors import ParrotError

if TYPE_CHECKING:
    from collections.abc import Iterator

out = Console()
err = Console(stderr=True)
USAGE = 2  # the command cannot begin: something is missing, taken or cannot be used
_FAILED, _INTERRUPTED = 1, 130


@contextmanager
def errors() -> Iterator[None]:
    """Print expected errors as one sentence, without a traceback."""
    try:
        yield
    except (EngineMissing, ToolMissing, PortTaken, DataUnusable, PartFailed, ParrotError) as error:
        err.print(f"[red]{error}", highlight=False, soft_wrap=True)
        failed = isinstance(error, PartFailed | ParrotError)
        raise typer.Exit(_FAILED if failed else USAGE) from error
    except KeyboardInterrupt as error:
        err.print("[dim]stopped")
        raise typer.Exit(_INTERRUPTED) from error
