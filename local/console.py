"""What the commands print, and errors as sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.console import Console

from local.model_servers import EngineMissing
from local.stack import DataUnusable
from local.supervisor import PartFailed, PortTaken
from local.toolchain import ToolMissing
from parrot.errors import ParrotError

if TYPE_CHECKING:
    from types import TracebackType

out = Console()
err = Console(stderr=True)
USAGE = 2  # the command cannot begin: something is missing, taken or cannot be used
_FAILED, _INTERRUPTED = 1, 130


class errors:  # noqa: N801 - used like a function
    """Print expected errors as one sentence, without a traceback."""

    def __enter__(self) -> None:
        """Nothing to set up."""

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if isinstance(error, EngineMissing | ToolMissing | PortTaken | DataUnusable):
            err.print(f"[red]{error}", highlight=False, soft_wrap=True)
            raise typer.Exit(USAGE) from error
        if isinstance(error, PartFailed | ParrotError):
            err.print(f"[red]{error}", highlight=False, soft_wrap=True)
            raise typer.Exit(_FAILED) from error
        if isinstance(error, KeyboardInterrupt):
            err.print("[dim]stopped")
            raise typer.Exit(_INTERRUPTED) from error
