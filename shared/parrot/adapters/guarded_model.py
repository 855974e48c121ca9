"""A model server that is left alone while it does not answer.

After some failures in a row, callers get 503 at once instead of waiting, each in a thread of its
own, for a server that is not there. After a pause one of them tries again. A server that takes
requests and answers nobody fails all who wait as soon as they are enough to open the breaker.
"""

from __future__ import annotations

import math
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from circuitbreaker import STATE_HALF_OPEN, CircuitBreaker

from parrot import deadline
from parrot.adapters.silence import Silence
from parrot.errors import ModelTimeout, ModelUnavailable, Overloaded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from parrot.classify import ModelServer
    from parrot.model.served_model import ServedModel
    from parrot.records import Floats, Prediction

FAILURES = 5
PAUSE_SECONDS = 5.0
_SILENT_SECONDS = 1.5  # as long as a connection may take


class GuardedModelServer:
    """Stands in front of another one; each model has a breaker of its own."""

    def __init__(
        self, server: ModelServer, *, failures: int = FAILURES, pause: float = PAUSE_SECONDS
    ) -> None:
        """Open after so many `failures` in a row, for `pause` seconds."""
        self._server, self._failures, self._pause = server, failures, pause
        self._breakers: dict[str, _Breaker] = {}
        self._asking = Silence(callers=failures, seconds=_SILENT_SECONDS)

    def predict(self, model: ServedModel, payload: bytes | Floats) -> Prediction:
        """One photo through one model.

        Raises ModelUnavailable, ModelTimeout, BadModelResponse.
        """
        with self._breaker(model).closed():
            return self._server.predict(model, payload)

    def predict_all(
        self, model: ServedModel, payloads: Sequence[bytes | Floats]
    ) -> list[Prediction]:
        """Several photos through one model in one request. Raises as `predict`."""
        with self._breaker(model).closed(len(payloads)):
            return self._server.predict_all(model, payloads)

    def version(self, model: ServedModel) -> str:
        """As the server says now: whoever asks wants to know. Raises as the server, or silence."""
        with self._asking.waiting():
            return self._server.version(model)

    def _breaker(self, model: ServedModel) -> _Breaker:
        return self._breakers.get(model.name) or self._breakers.setdefault(
            model.name, _Breaker(self._failures, self._pause)
        )


class _Breaker:
    """The library's breaker lets everybody through when its pause is over; this one lets one."""

    def __init__(self, failures: int, pause: float) -> None:
        self._breaker = CircuitBreaker(
            failure_threshold=failures,
            recovery_timeout=pause,
            expected_exception=(ModelUnavailable, ModelTimeout),
        )
        self._silence = Silence(callers=failures, seconds=_SILENT_SECONDS)
        self._probing = threading.Lock()

    @contextmanager
    def closed(self, photos: int = 1) -> Iterator[None]:
        """Ask about so many photos in here.

        Raises ModelUnavailable while the server is left alone, or where it answers nobody;
        Overloaded where decoding left no time, which is not the server's failure.
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
