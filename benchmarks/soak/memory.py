"""Whether processes grow: their resident memory after they are warm, and at the end."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MOST_GROWTH = 0.05
_EVERY_SECONDS = 2.0
_WARM, _WINDOW = 0.4, 0.2  # shares of the time since a process's last start
_MEBI = 2**20


@dataclass(frozen=True, slots=True)
class Growth:
    """One part: MiB of its process and all that it started."""

    part: str
    warm: float
    end: float
    peak: float

    @property
    def flat(self) -> bool:
        """Within the limit."""
        return self.end <= self.warm * (1 + MOST_GROWTH)


class Watch(threading.Thread):
    """Samples memory until it is stopped."""

    def __init__(self, pids: Callable[[], Mapping[str, int]]) -> None:
        """`pids` gives each part's process at this moment."""
        super().__init__(name="memory", daemon=True)
        self._pids, self._over = pids, threading.Event()
        self._samples: dict[tuple[str, int], list[float]] = {}

    def run(self) -> None:
        """One sample of each part every two seconds."""
        while not self._over.wait(_EVERY_SECONDS):
            for part, pid in self._pids().items():
                try:
                    mebi = _resident(pid)
                except psutil.Error:  # killed on purpose a moment ago
                    continue
                self._samples.setdefault((part, pid), []).append(mebi)

    def stop(self) -> None:
        """Take no more samples."""
        self._over.set()
        self.join()

    def growth(self) -> Iterator[Growth]:
        """Of the last process of each part."""
        last = {part: taken for (part, _pid), taken in self._samples.items()}
        for part, taken in last.items():
            window = max(1, round(len(taken) * _WINDOW))
            warm = round(len(taken) * _WARM)
            yield Growth(
                part, median(taken[warm : warm + window]), median(taken[-window:]), max(taken)
            )


def _resident(pid: int) -> float:
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    return float(sum(member.memory_info().rss for member in family)) / _MEBI
