"""Keeps this folder fast: no server, no process, no TensorFlow, no waiting for a disk."""

import functools
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from parrot.photo import thumbnails
from tests.support.processing import World

_MEMORY = Path("/dev/shm")  # noqa: S108 - only if the system has it
_FORBIDDEN = {
    "import tensorflow",
    "os.posix_spawn",
    "socket.bind",
    "socket.connect",
    "subprocess.Popen",
}


class ElsewhereError(Exception):
    """Names the folder where such a test belongs."""


class _Guard:
    """An audit hook: Python notifies it of sockets, processes and imports, and it may refuse."""

    active = False

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.active:
            return
        name = f"import {arguments[0]}" if event == "import" else event
        if name in _FORBIDDEN:
            raise ElsewhereError(f"no {name} in tests/unit: move the test to stack or training")


_guard = _Guard()
sys.addaudithook(_guard)  # which cannot be removed again, therefore `active`


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Fail any test that belongs in another folder, whichever fixture it wants."""
    _guard.active = True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """Others may start what they want."""
    _guard.active = False


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In memory if possible: some tests create hundreds of databases."""
    folder = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="parrot-unit-", dir=folder) as path:
        yield Path(path)


@pytest.fixture(autouse=True)
def remember_thumbnails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute the thumbnails of each photo once, however often a test processes it."""
    monkeypatch.setattr(thumbnails, "make", functools.cache(thumbnails.make))


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A store, a bucket and the process function between them, all empty."""
    return World(tmp_path)
