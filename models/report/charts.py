"""The scales of two charts, which `templates/parts.html` draws as SVG."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.evaluation.metrics import CalibrationBin

# Edges of the frame, in a picture of 440 x 340 px.
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 426, 14, 294
_TINY = 1e-9
_STATED = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999)
_ROOM = 2.5  # of the scale below the working point, compared with above it


@dataclass(frozen=True, slots=True)
class Axis:
    """Shares from the first tick to the last, in pixels from `start` to `end`."""

    title: str
    ticks: Sequence[float]
    start: int
    end: int
    stretch: Callable[[float], float] = float

    def at(self, share: float) -> float:
        """Its place in pixels, which may be outside the frame."""
        low, high = self.stretch(self.ticks[0]), self.stretch(self.ticks[-1])
        part = (self.stretch(share) - low) / (high - low)
        return round(self.start + part * (self.end - self.start), 1)

    def held(self, share: float) -> float:
        """As `at`, or the nearest end of the axis."""
        return self.at(min(max(share, self.ticks[0]), self.ticks[-1]))


def roc(kept: float, most: int) -> tuple[Axis, Axis]:
    """For a gate that keeps this share; at most so many photos were in a group."""
    powers = range(max(-5, math.floor(-math.log10(most))), 1)
    lowest = max(0.0, math.floor(20 * (1 - _ROOM * max(0.02, 1 - kept))) / 20)
    ticks = [lowest + (1 - lowest) * part / 5 for part in range(6)]
    through = Axis("let through", [10.0**power for power in powers], _LEFT, _RIGHT, _log)
    return through, Axis("parrots kept", ticks, _BOTTOM, _TOP)


def reliability(bins: Sequence[CalibrationBin]) -> tuple[Axis, Axis]:
    """For stated and observed shares, down to the lowest."""
    lowest = min(min(part.stated, part.low) for part in bins)
    start = max((number for number, tick in enumerate(_STATED) if tick <= lowest), default=0)
    ticks = _STATED[min(start, len(_STATED) - 4) :]
    stated = Axis("stated", ticks, _LEFT, _RIGHT, _logit)
    return stated, Axis("observed", ticks, _BOTTOM, _TOP, _logit)


def _logit(share: float) -> float:
    """Stretches both ends of 0..1, where most probabilities are."""
    inside = min(max(share, _TINY), 1 - _TINY)
    return math.log(inside / (1 - inside))


def _log(share: float) -> float:
    """Gives every power of ten the same space."""
    return math.log(max(share, _TINY))
