"""How a photo is looked at: once as a whole, and again, closer, where that leaves doubt.

The first look is a squashed whole photo. Its model also says where in the picture the parrot most
likely is (`focus`); the second look takes that part out of the full-size photo, and the centre
square besides. Where the first look saw no bird at all, it takes the two most likely parts instead,
and the surer one counts. What follows from all looks: see `decision.combined`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from parrot.photo.geometry import Box

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class View(StrEnum):
    """A part of the photo that a second look may take."""

    CENTER = "center"  # the largest centred square
    CLOSER = "closer"  # a square around the model's focus
    SECOND = "second"  # a square around the second focus


_MOST_CAUTION = 1000  # beyond it single precision ends, and answers are no numbers
WINDOWS = (View.CLOSER, View.SECOND)


@dataclass(frozen=True, slots=True)
class SecondLook:
    """When to look again, and at what.

    Where the probability of parrot is above `low` and below `high`, and that of another bird below
    `bird`; and, whatever it is above `high`, where the set of species does not have exactly one.
    At `views`; at the two `WINDOWS` where the probability of no bird is `nothing` or more. Windows
    are chosen because they look like a parrot, so in the closest look no bird is `caution` times as
    likely as the gate says. Bundles without `nothing` answer from the mean of all looks.
    """

    views: tuple[View, ...]
    low: float
    high: float
    margin: float = 1.1  # the closer square's side, compared with the focus
    bird: float | None = None
    nothing: float | None = None
    caution: float | None = None  # None: once

    def problems(self) -> Iterator[str]:
        """What contradicts itself."""
        if not 0 <= self.low <= self.high <= 1:
            yield "0 <= low <= high <= 1"
        if not self.views or View.SECOND in self.views or not 0 < self.margin < math.inf:
            yield "needs views, of the centre or closer, and a margin above 0"
        if self.caution is not None and not 1 <= self.caution <= _MOST_CAUTION:
            yield f"1 <= caution <= {_MOST_CAUTION}"
        if self.bird is not None and not 0 <= self.bird <= 1:
            yield "bird is not a probability"
        if self.nothing is not None and not (
            0 <= self.nothing <= 1 and self.views[-1:] == (View.CLOSER,)
        ):
            yield "nothing is not a probability, or the last view is not closer"

    def boxes(
        self, views: Sequence[View], foci: Sequence[Sequence[float]], width: int, height: int
    ) -> tuple[Box, ...]:
        """The parts to look at, in the order of `views`; `foci` as the model gives them."""
        return tuple(
            center(width, height)
            if view is View.CENTER
            else closer(foci[WINDOWS.index(view)], width, height, self.margin)
            for view in views
        )


def center(width: int, height: int) -> Box:
    """The largest centred square of a photo of this size in pixels."""
    side = min(width, height)
    return _square(width / 2, height / 2, side, width, height)


def closer(focus: Sequence[float], width: int, height: int, margin: float) -> Box:
    """The square around `focus` (left, top, right, bottom, in 0..1), within the photo."""
    left, top, right, bottom = (min(1.0, max(0.0, float(edge))) for edge in focus)
    side = max((right - left) * width, (bottom - top) * height) * margin
    across, down = (left + right) / 2 * width, (top + bottom) / 2 * height
    return _square(across, down, max(1.0, min(side, width, height)), width, height)


def window(focus: Sequence[float], width: int, height: int) -> float:
    """Short side in pixels of `focus` (left, top, right, bottom, in 0..1) in a photo."""
    left, top, right, bottom = focus
    return min((right - left) * width, (bottom - top) * height)


def _square(across: float, down: float, side: float, width: int, height: int) -> Box:
    left = min(max(across - side / 2, 0.0), width - side)
    top = min(max(down - side / 2, 0.0), height - side)
    return Box(left / width, top / height, (left + side) / width, (top + side) / height)
