"""What a long command is doing: a running clock on a terminal, lines in a log; never silence."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

_SILENCE_SECONDS = 5.0


@contextmanager
def steps(
    console: Console, *, silence: float = _SILENCE_SECONDS
) -> Iterator[Callable[[str], None]]:
    """Call what this yields with each step's name; a log gets a line every `silence` seconds."""
    if console.is_terminal:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("starting", total=None)
            yield lambda text: progress.reset(task, description=text)
        return
    begun = time.monotonic()
    begun_steps: SimpleQueue[str | None] = SimpleQueue()

    def write(text: str) -> None:
        passed = time.monotonic() - begun
        console.print(f"{passed:5.1f} s  {text}", markup=False, highlight=False)

    def say(step: str) -> None:
        write(step)
        begun_steps.put(step)

    def repeat() -> None:
        step: str | None = "starting"
        while step is not None:
            try:
                step = begun_steps.get(timeout=silence)
            except Empty:
                write(f"still {step}")

    thread = threading.Thread(target=repeat, name="progress", daemon=True)
    thread.start()
    try:
        yield say
    finally:
        begun_steps.put(None)
        thread.join()
