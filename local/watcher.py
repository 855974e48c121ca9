"""Ends a supervisor's parts if the supervisor itself is killed: `python local/watcher.py MARK`.

Its standard input is a pipe that ends with the supervisor, however that ends; whatever still runs
is then stopped. A part may have started processes in groups of their own, as firebase-tools starts
its emulators, and may be gone before them: every process inherits the environment variable MARK.
"""

import contextlib
import os
import sys
from collections.abc import Iterator

import psutil

_GRACE_SECONDS = 5.0


def main() -> None:
    """Until the pipe ends."""
    sys.stdin.read()
    running = list(_marked(sys.argv[1]))
    for process in running:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    psutil.wait_procs(running, timeout=_GRACE_SECONDS)
    for process in _marked(sys.argv[1]):  # also what they have started meanwhile
        with contextlib.suppress(psutil.Error):
            process.kill()


def _marked(mark: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # another user's, or gone
            if mark in process.environ() and process.pid != os.getpid():
                yield process


if __name__ == "__main__":
    main()
