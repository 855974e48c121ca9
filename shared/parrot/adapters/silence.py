"""A server that accepts requests but never answers.

A single caller may wait as long as the server's limit allows: an instance takes ten seconds to
start. Several callers that wait while no one gets an answer only hold threads: they fail together.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from parrot import deadline
from parrot.errors import ModelTimeout, ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

# A pass takes about 35 ms on one core. A server with many photos queued is busy, not silent.
_SECONDS_PER_PHOTO = 0.1


class Silence:
    """All callers that wait for one server; thread-safe."""

    def __init__(self, *, callers: int, seconds: float) -> None:
        """Release all once this many `callers` have heard nothing for this many `seconds`."""
        self._callers, self._seconds = callers, seconds
        self._lock = Lock()
        self._started: list[float] = []  # when each waiting caller began
        self._heard = self._given_up = float("-inf")
        self._more = 0  # photos that are waited for, beyond one per caller

    @contextmanager
    def waiting(self, photos: int = 1) -> Iterator[None]:
        """Wait for the server's answer about this many photos inside the context.

        Raises ModelUnavailable if the server never answers.
        """
        started = time.monotonic()
        with self._lock:
            self._started.append(started)
            self._more += photos - 1
        heard = True
        try:
            with deadline.watched(lambda: self._check(started)):
                yield
        except (ModelUnavailable, ModelTimeout):
            heard = False
            raise
        finally:
            with self._lock:
                self._started.remove(started)
                self._more -= photos - 1
                if heard:
                    self._heard = time.monotonic()

    def _check(self, started: float) -> None:
        now = time.monotonic()
        with self._lock:
            if sum(self._is_late(other, now) for other in self._started) >= self._callers:
                self._given_up = now
            given_up = self._given_up > max(started, self._heard)
            if given_up and self._is_late(started, now):
                raise ModelUnavailable("the model server is not responding")

    def _is_late(self, started: float, now: float) -> bool:
        patience = self._seconds + self._more * _SECONDS_PER_PHOTO
        return now - max(started, self._heard) > patience
