"""A model server that is left alone while it does not answer.

After some failures in a row, callers get 503 at once instead of waiting, each in a thread of its
own, for a server that is not there. After a pause one of them tries again.
"""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

from circuitbreaker import STATE_HALF_OPEN, CircuitBreaker

from parrot.errors import ModelTimeout, ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from parrot.classify import ModelServer
    from parrot.model.served_model import ServedModel
    from parrot.records import Floats, Prediction

FAILURES = 5
PAUSE_SECONDS = 5.0


class GuardedModelServer:
    """Stands in front of another one; each model has a breaker of its own."""

    def __init__(
        self, server: ModelServer, *, failures: int = FAILURES, pause: float = PAUSE_SECONDS
    ) -> None:
        """Open after so many `failures` in a row, for `pause` seconds."""
        self._server, self._failures, self._pause = server, failures, pause
        self._breakers: dict[str, _Breaker] = {}

    def predict(self, model: ServedModel, payload: bytes | Floats) -> Prediction:
        """One photo through one model.

        Raises ModelUnavailable, ModelTimeout, BadModelResponse.
        """
        with self._breaker(model):
            return self._server.predict(model, payload)

    def predict_all(
        self, model: ServedModel, payloads: Sequence[bytes | Floats]
    ) -> list[Prediction]:
        """Several photos through one model in one request. Raises as `predict`."""
        with self._breaker(model):
            return self._server.predict_all(model, payloads)

    def version(self, model: ServedModel) -> str:
        """As the server says now: whoever asks wants to know. Raises what it raises."""
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
        self._probing = threading.Lock()
        self._mine = threading.local()

    def __enter__(self) -> None:
        """Raises ModelUnavailable while the server is left alone."""
        half_open = self._breaker.state == STATE_HALF_OPEN
        self._mine.probe = half_open and self._probing.acquire(blocking=False)
        if self._breaker.opened or (half_open and not self._mine.probe):
            raise ModelUnavailable(
                "the model server has not answered for a while",
                retry_after=max(1, math.ceil(self._breaker.open_remaining)),
            )

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        try:
            self._breaker.__exit__(kind, error, trace)
        finally:
            if self._mine.probe:
                self._probing.release()
