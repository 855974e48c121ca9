"""How bright and how sharp the pixels are that a model saw, in under a millisecond.

Both are measured on the whole picture: a black cat in the sun is not dark, and a sharp bird before
a soft background is not blurred.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from parrot.records import Bytes, Floats

_GREEN = 1  # stands for brightness: seven tenths of it, and a third of the work
_BRIGHTEST = 0.02  # share of the picture that decides how bright it is
_FAR = 4  # pixels; over this distance a blurred edge still has its full height


@dataclass(frozen=True, slots=True)
class Quality:
    """`brightness` 0..1: what all but the brightest pixels stay below.

    `sharpness`: the step between neighbours, compared with the step over four pixels. A quarter
    where everything is a slope, 1 where it is an edge or noise, whatever the contrast.
    """

    brightness: float
    sharpness: float


def measure(pixels: Bytes | Floats) -> Quality:
    """Of a picture (height, width, 3) in 0..255."""
    green = pixels[..., _GREEN]
    counts = np.bincount(green.ravel().astype(np.uint8), minlength=256)
    below = np.searchsorted(np.cumsum(counts), (1 - _BRIGHTEST) * green.size)
    values = green.astype(np.float32)
    far = _step(values, _FAR)
    return Quality(float(below) / 255, _step(values, 1) / far if far else 1.0)


def _step(values: Floats, distance: int) -> float:
    """Root mean square of the differences over this distance, across and down."""
    total = 0.0
    for difference in (
        values[:, distance:] - values[:, :-distance],
        values[distance:] - values[:-distance],
    ):
        flat: npt.NDArray[np.float32] = difference.ravel()
        total += float(flat @ flat) / max(1, flat.size)
    return float(np.sqrt(total))
