"""Ends a supervisor's parts if the supervisor itself is killed: `python local/watcher.py MARK`.

It reads `+PID` and `-PID` lines: the leaders of the process groups that run now. The pipe ends with
the supervisor, however that ends; whatever still runs is then stopped. A part may have started
processes in groups of their own, as firebase-tools starts its emulators, and may be gone before
them: every process inherits the environment variable MARK, and those that have it are killed.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator

import psutil

_GRACE_SECONDS = 5.0
_POLL_SECONDS = 0.05


def main() -> None:
    """Until the pipe ends."""
    running: set[int] = set()
    for line in sys.stdin:
        (running.add if line[0] == "+" else running.discard)(int(line[1:]))
    _signal(running, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    while running and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        running = {group for group in running if _lives(group)}
    _signal(running, signal.SIGKILL)
    for process in _marked(sys.argv[1]):
        with contextlib.suppress(psutil.Error):
            process.kill()


def _marked(mark: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # another user's, or gone
            if mark in process.environ() and process.pid != os.getpid():
                yield process


def _signal(groups: set[int], number: signal.Signals) -> None:
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, number)


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main()
