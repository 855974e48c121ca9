"""A real model server, for tests that need one to themselves."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE_SECONDS = 60
_READY = "ready: "


def launch(folder: Path, *flags: str) -> subprocess.Popen[str]:
    """Start the server on a free port; `ready_url` waits for it."""
    command = ["-m", "models", "serve", "--base", str(folder), "--port", "0", *flags]
    return subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


def ready_url(process: subprocess.Popen[str]) -> str:
    """Wait for a launched server's ready line, and return the URL in it."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith(_READY), f"the model server said {line!r}"
    return line.removeprefix(_READY).strip()


def stop(process: subprocess.Popen[str]) -> None:
    """End it as a supervisor would."""
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert process.stdout is not None
    process.stdout.close()


@contextmanager
def model_server(folder: Path) -> Iterator[str]:
    """The server's URL while it runs."""
    process = launch(folder)
    try:
        yield ready_url(process)
    finally:
        stop(process)
