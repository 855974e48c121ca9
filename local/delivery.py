"""Deliver events to a function over HTTP until it acknowledges them, as Eventarc does."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from typing import TYPE_CHECKING, Self

import requests
from cloudevents.conversion import to_structured

if TYPE_CHECKING:
    from types import TracebackType

    from cloudevents.http import CloudEvent

_WORKERS = 4
_FIRST_SECONDS, _LONGEST_SECONDS = 0.1, 5.0  # Eventarc waits 10 to 600 s, too long at a desk
_DOUBLINGS = 10
_TIMEOUT_SECONDS = 120.0
_log = logging.getLogger(__name__)


def pause(tries: int) -> float:
    """Seconds until the next try after this many; `tries` is capped because 2.0**1024 overflows."""
    return min(_FIRST_SECONDS * 2.0 ** min(tries, _DOUBLINGS), _LONGEST_SECONDS)


class Delivery:
    """Accepts events at once, delivers them in any order, and loses none while it runs."""

    def __init__(self, url: str, *, workers: int = _WORKERS) -> None:
        """`url` is the function's; at most `workers` events are delivered at the same time."""
        self._url = url
        self._count = itertools.count()  # orders events that are due at the same instant
        self._waiting: list[tuple[float, int, int, CloudEvent]] = []  # due, number, tries so far
        self._unfinished = 0
        self._changed = threading.Condition()
        self._stopped = False
        self._threads = [
            threading.Thread(target=self._work, name=f"delivery-{number}", daemon=True)
            for number in range(workers)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Drop what was not acknowledged; `events.missed` finds it again."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def accept(self, event: CloudEvent) -> None:
        """Deliver it soon; returns at once."""
        with self._changed:
            self._unfinished += 1
        self._wait(event, 0, 0.0)

    def finished(self, timeout: float) -> bool:
        """Wait until everything that was accepted is acknowledged."""
        with self._changed:
            return self._changed.wait_for(lambda: self._unfinished == 0, timeout)

    def _wait(self, event: CloudEvent, tries: int, seconds: float) -> None:
        with self._changed:
            due = time.monotonic() + seconds
            heapq.heappush(self._waiting, (due, next(self._count), tries, event))
            self._changed.notify_all()

    def _next(self) -> tuple[CloudEvent, int] | None:
        """The next event that is due and how often it was tried; None to stop."""
        with self._changed:
            while not self._stopped:
                wait = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if wait is not None and wait <= 0:
                    _, _, tries, event = heapq.heappop(self._waiting)
                    return event, tries
                self._changed.wait(wait)
        return None

    def _work(self) -> None:
        with requests.Session() as session:
            while (item := self._next()) is not None:
                event, tries = item
                problem = self._send(session, event)
                if problem is None:
                    with self._changed:
                        self._unfinished -= 1
                        self._changed.notify_all()
                    continue
                seconds = pause(tries)
                _log.warning("%s: %s; retrying in %.1f s", event["subject"], problem, seconds)
                self._wait(event, tries + 1, seconds)

    def _send(self, session: requests.Session, event: CloudEvent) -> str | None:
        """None if it was acknowledged, otherwise what went wrong."""
        headers, body = to_structured(event)
        try:
            response = session.post(self._url, body, headers=headers, timeout=_TIMEOUT_SECONDS)
        except requests.RequestException as error:
            return type(error).__name__
        return None if response.ok else f"status {response.status_code}"
