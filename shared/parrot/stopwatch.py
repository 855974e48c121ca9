"""How long each step of a request took."""

from __future__ import annotations

import time

from parrot.records import Timing


class Stopwatch:
    """Started when it is made."""

    def __init__(self) -> None:
        self.laps: tuple[Timing, ...] = ()
        self._last = time.perf_counter()

    def lap(self, step: str, description: str | None = None) -> None:
        """The step that began with the last lap is over."""
        now = time.perf_counter()
        self.laps += (Timing(step, (now - self._last) * 1000, description),)
        self._last = now
