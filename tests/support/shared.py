"""What pytest's workers share: each is a process, and a stack takes seconds and memory to start."""

import fcntl
import pickle
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")


def folder(factory: pytest.TempPathFactory) -> Path:
    """The folder of this run: each worker has a temporary folder of its own within it."""
    base = factory.getbasetemp()
    return base.parent if base.name.startswith("popen-") else base


@contextmanager
def shared(folder: Path, name: str, start: Callable[[], AbstractContextManager[T]]) -> Iterator[T]:
    """What `start` yields: started by the first worker that wants it, stopped after the last.

    Workers pass it on as a pickle. Nobody waits in a circle: each leaves in the reverse order of
    its entering, so a worker only waits for others that entered later.
    """
    value = folder / f"{name}.pickle"
    with (folder / f"{name}.gate").open("w") as gate, (folder / f"{name}.users").open("w") as users:
        fcntl.flock(gate, fcntl.LOCK_EX)
        if value.exists():
            fcntl.flock(users, fcntl.LOCK_SH)
            fcntl.flock(gate, fcntl.LOCK_UN)
            yield pickle.loads(value.read_bytes())  # noqa: S301 - our own, of this run
            return
        with start() as started:
            value.write_bytes(pickle.dumps(started))
            fcntl.flock(gate, fcntl.LOCK_UN)
            yield started
            signal.setitimer(signal.ITIMER_REAL, 0)  # others may take longer than one test may
            fcntl.flock(gate, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_EX)
            value.unlink()
