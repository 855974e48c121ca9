"""Photos that are classified at the same time share their requests to the model server."""

import threading
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Future

from models.arrays import Floats
from parrot.classify import ModelServer
from parrot.model.served_model import ServedModel
from parrot.records import Prediction

Waiting = list[tuple[bytes | Floats, Future[Prediction]]]

_WAIT_SECONDS = 0.05  # for company, where the other threads have nothing to ask


class Batched:
    """A `ModelServer` for the threads that share it: one photo each, one request for all."""

    def __init__(self, server: ModelServer, *, size: int) -> None:
        """At most `size` photos in a request, which is how many threads should be asking."""
        self._server, self._size = server, size
        self._changed = threading.Condition()
        self._waiting: dict[ServedModel, Waiting] = defaultdict(list)

    def predict(self, model: ServedModel, payloads: Sequence[bytes | Floats]) -> list[Prediction]:
        """Raises ModelUnavailable, ModelTimeout, BadModelResponse, for every photo of a request.

        One photo waits a moment for others; a second look's photos are a batch already.
        """
        if len(payloads) > 1:
            return self._server.predict(model, payloads)
        future: Future[Prediction] = Future()
        with self._changed:
            waiting = self._waiting[model]
            waiting.append((payloads[0], future))
            leads = len(waiting) == 1
            self._changed.notify_all()
        if leads:
            self._send(model, self._gathered(model))
        return [future.result()]

    def version(self, model: ServedModel) -> str:
        """The version in use now. Raises ModelUnavailable, ModelTimeout."""
        return self._server.version(model)

    def _gathered(self, model: ServedModel) -> Waiting:
        """All that wait: the next caller leads a new batch."""
        with self._changed:
            self._changed.wait_for(
                lambda: len(self._waiting[model]) >= self._size, timeout=_WAIT_SECONDS
            )
            return self._waiting.pop(model)

    def _send(self, model: ServedModel, batch: Waiting) -> None:
        for start in range(0, len(batch), self._size):
            part = batch[start : start + self._size]
            try:
                predictions = self._server.predict(model, [payload for payload, _ in part])
            except Exception as error:  # noqa: BLE001 - raised again in the threads that wait
                for _, future in part:
                    future.set_exception(error)
                continue
            for (_, future), prediction in zip(part, predictions, strict=True):
                future.set_result(prediction)
