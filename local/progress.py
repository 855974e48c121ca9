"""What a long command is doing: a running clock on a terminal, lines in a log; never silence."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

_SILENCE_SECONDS = 5.0


@contextmanager
def steps(
    console: Console, *, silence: float = _SILENCE_SECONDS
) -> Iterator[Callable[[str], None]]:
    """Call what this yields with each step's name; a log hears of it every `silence` seconds."""
    if console.is_terminal:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("starting", total=None)
            yield lambda text: progress.reset(task, description=text)
    else:
        log = _Log(console, silence)
        log.start()
        try:
            yield log.say
        finally:
            log.stop()


class _Log(threading.Thread):
    """Writes each step when it begins, and again while it lasts."""

    def __init__(self, console: Console, silence: float) -> None:
        super().__init__(name="progress", daemon=True)
        self._console, self._silence = console, silence
        self._begun = time.monotonic()
        self._step = "starting"
        self._changed, self._over = threading.Event(), False

    def say(self, step: str) -> None:
        self._step = step
        self._write(step)
        self._changed.set()

    def run(self) -> None:
        while not self._over:
            if self._changed.wait(self._silence):
                self._changed.clear()
            else:
                self._write(f"still {self._step}")

    def stop(self) -> None:
        self._over = True
        self._changed.set()
        self.join()

    def _write(self, text: str) -> None:
        passed = time.monotonic() - self._begun
        self._console.print(f"{passed:5.1f} s  {text}", markup=False, highlight=False)
