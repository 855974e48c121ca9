"""A circuit breaker in front of the model server.

After some failures in a row, callers get 503 at once instead of waiting, each in a thread of its
own, for a server that is not there. After a pause one of them tries again. If a server accepts
requests but never answers, all who wait fail as soon as they are enough to open the breaker.
"""

from __future__ import annotations

import math
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from circuitbreaker import STATE_HALF_OPEN, CircuitBreaker

from parrot import deadline
from parrot.errors import ModelTimeout, ModelUnavailable, Overloaded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from parrot.classify import ModelServer
    from parrot.model.served_model import ServedModel
    from parrot.records import Floats, Prediction

FAILURES = 5
PAUSE_SECONDS = 5.0
_SILENT_SECONDS = 1.5  # as long as a connection may take
# A pass takes about 35 ms on one core. A server with many photos to look at is busy, not silent.
_SECONDS_PER_PHOTO = 0.1


class GuardedModelServer:
    """Wraps another model server; each model has its own breaker."""

    def __init__(
        self, server: ModelServer, *, failures: int = FAILURES, pause: float = PAUSE_SECONDS
    ) -> None:
        """Open after this many `failures` in a row, for `pause` seconds."""
        self._server, self._failures, self._pause = server, failures, pause
        self._breakers: dict[str, _Breaker] = {}
        self._asking = _Silence(callers=failures)

    def predict(self, model: ServedModel, payloads: Sequence[bytes | Floats]) -> list[Prediction]:
        with self._breaker(model).closed(len(payloads)):
            return self._server.predict(model, payloads)

    def version(self, model: ServedModel) -> str:
        """The current version, uncached. Raises as `predict`."""
        with self._asking.waiting():
            return self._server.version(model)

    def _breaker(self, model: ServedModel) -> _Breaker:
        return self._breakers.get(model.name) or self._breakers.setdefault(
            model.name, _Breaker(self._failures, self._pause)
        )


class _Breaker:
    """The library's breaker lets every caller through after its pause; this one only one."""

    def __init__(self, failures: int, pause: float) -> None:
        self._breaker = CircuitBreaker(
            failure_threshold=failures,
            recovery_timeout=pause,
            expected_exception=(ModelUnavailable, ModelTimeout),
        )
        self._silence = _Silence(callers=failures)
        self._probing = threading.Lock()

    @contextmanager
    def closed(self, photos: int) -> Iterator[None]:
        """Ask about this many photos inside the context.

        Raises ModelUnavailable while the server is left alone, or if it never answers; Overloaded
        where decoding left no time, which is not the server's failure.
        """
        if deadline.over():
            raise Overloaded("decoding used up the time for this request; try again in a moment")
        half_open = self._breaker.state == STATE_HALF_OPEN
        probe = half_open and self._probing.acquire(blocking=False)
        try:
            if self._breaker.opened or (half_open and not probe):
                raise ModelUnavailable(
                    "the model server has not answered for a while",
                    retry_after=max(1, math.ceil(self._breaker.open_remaining)),
                )
            with self._breaker, self._silence.waiting(photos):
                yield
        finally:
            if probe:
                self._probing.release()


class _Silence:
    """Everybody who waits for one server that may never answer; safe under threads.

    One caller may wait as long as the server's limit allows: an instance that starts takes ten
    seconds. Several that wait while no call at all is answered only hold threads, so they are let
    go together.
    """

    def __init__(self, *, callers: int) -> None:
        """All are let go when so many `callers` have heard nothing for _SILENT_SECONDS."""
        self._callers = callers
        self._lock = threading.Lock()
        self._started: list[float] = []  # when each one who waits began
        self._heard = self._given_up = float("-inf")
        self._more = 0  # photos that are waited for, beside one for each caller

    @contextmanager
    def waiting(self, photos: int = 1) -> Iterator[None]:
        """Wait for the server's answer about so many photos in here.

        Raises ModelUnavailable if it never answers.
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
        patience = _SILENT_SECONDS + self._more * _SECONDS_PER_PHOTO
        return now - max(started, self._heard) > patience
