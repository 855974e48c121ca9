"""Ends reads from a phone that take too long in all.

A socket's own timeout starts again with every byte, and the server in between only returns when it
has as many bytes as were asked for: one byte every few seconds would hold a thread for hours.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOOK_SECONDS = 0.5


@dataclass(slots=True)
class Watch:
    """One read; `ended` says that its time was over."""

    connection: socket.socket | None
    until: float  # of time.monotonic()
    ended: bool = False


class Watchdog:
    """One thread for the reads of all requests, started by the first of them."""

    def __init__(self) -> None:
        """Nothing is started here."""
        self._watches: dict[int, Watch] = {}
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    @contextmanager
    def watching(self, connection: socket.socket | None, until: float) -> Iterator[Watch]:
        """What is read in here ends when the time is over, as if the phone had hung up.

        The connection can still be written to. Without one nothing is watched.
        """
        watch = Watch(connection, until)
        if connection is None:
            yield watch
            return
        self._start()
        self._watches[id(watch)] = watch
        try:
            yield watch
        finally:
            del self._watches[id(watch)]

    def _start(self) -> None:
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        while True:
            time.sleep(_LOOK_SECONDS)  # what ends is a wait of seconds: half of one is no loss
            now = time.monotonic()
            for watch in list(self._watches.values()):
                if now > watch.until and watch.connection is not None:
                    watch.ended = True
                    with contextlib.suppress(OSError):  # it has hung up by itself
                        watch.connection.shutdown(socket.SHUT_RD)
