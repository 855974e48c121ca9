"""A real model server, for tests that need one to themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from local.supervisor import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def start(folder: Path, port: int) -> subprocess.Popen[str]:
    """Start the server and wait for its ready line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "models", "serve", "--base", str(folder), "--port", str(port)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("ready:"), f"the model server said {line!r}"
    return process


def stop(process: subprocess.Popen[str]) -> None:
    """End it as a supervisor would."""
    process.send_signal(signal.SIGTERM)
    process.wait(10)
    assert process.stdout is not None
    process.stdout.close()


@contextmanager
def model_server(folder: Path) -> Iterator[str]:
    """The server's URL while it runs."""
    port = free_port()
    process = start(folder, port)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)
