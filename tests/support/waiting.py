"""Waiting for what happens elsewhere: as short as possible, and not for ever."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
PATIENCE_SECONDS = 60.0


def until(
    ask: Callable[[], T], what: str, seconds: float = PATIENCE_SECONDS, pause: float = 0.05
) -> T:
    """What `ask` gives as soon as it gives anything; `what` was waited for."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(pause)
    return answer


@contextmanager
def soon(seconds: float = 10.0) -> Iterator[None]:
    """Fail if it takes longer: less than a fault lasts, more than a busy machine needs."""
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


def kill_once(ready: Callable[[], object], *arguments: str) -> None:
    """Run Python with these arguments until `ready`, then kill it."""
    with subprocess.Popen([sys.executable, *arguments], stderr=subprocess.DEVNULL) as process:
        while not ready():
            assert process.poll() is None, "it ended by itself"
            time.sleep(0.01)
        process.kill()
