"""A circuit breaker in front of the model server.

After some failures in a row, callers get 503 at once instead of each holding a thread while they
wait for a server that is down. After a pause one of them tries again. If the server accepts
requests but never answers, all waiting callers fail once they are enough to open the breaker.
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
    """Wraps another model server; each model has its own breaker."""

    def __init__(
        self, server: ModelServer, *, failures: int = FAILURES, pause: float = PAUSE_SECONDS
    ) -> None:
        """Open after this many `failures` in a row, for `pause` seconds."""
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
        """The current version, without the breaker. Raises as the server, or on its silence."""
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
        self._silence = Silence(callers=failures, seconds=_SILENT_SECONDS)
        self._probing = threading.Lock()

    @contextmanager
    def closed(self, photos: int = 1) -> Iterator[None]:
        """Ask about this many photos inside the context.

        Raises ModelUnavailable while the breaker is open or if the server never answers, Overloaded
        if decoding left no time, which is not the server's failure.
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
