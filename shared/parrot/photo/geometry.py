"""Where things are in a photo: EXIF's orientation, and boxes around parts of the upright photo."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_EXIF_BYTES = 64 * 1024  # one JPEG segment holds no more
_MOST_TAGS = 200
_ORIENTATION, _SHORT = 0x0112, 3
SIDEWAYS = frozenset({5, 6, 7, 8})  # orientations that swap width and height
# Where a point (x, y) of the upright photo lies in the file, by EXIF orientation.
_IN_FILE: dict[int, Callable[[float, float], tuple[float, float]]] = {
    2: lambda x, y: (1 - x, y),
    3: lambda x, y: (1 - x, 1 - y),
    4: lambda x, y: (x, 1 - y),
    5: lambda x, y: (y, x),
    6: lambda x, y: (y, 1 - x),
    7: lambda x, y: (1 - y, 1 - x),
    8: lambda x, y: (1 - y, x),
}


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a photo, in fractions of its width and height."""

    left: float
    top: float
    right: float
    bottom: float

    def in_file(self, orientation: int) -> Box:
        """The same part of a file that must be turned by this EXIF orientation to be upright."""
        place = _IN_FILE.get(orientation)
        if place is None:
            return self
        (x1, y1), (x2, y2) = place(self.left, self.top), place(self.right, self.bottom)
        return Box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))

    def pixels(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """Left, top, right and bottom in a photo of this width and height."""
        width, height = size
        return self.left * width, self.top * height, self.right * width, self.bottom * height

    def covering(self, target: tuple[int, int]) -> tuple[int, int]:
        """The smallest width and height of a photo in which this part has the target's pixels."""
        return (
            ceil(target[0] / (self.right - self.left)),
            ceil(target[1] / (self.bottom - self.top)),
        )


def orientation(exif: bytes) -> int:
    """Orientation in a TIFF block (EXIF), 1 where there is none: at most one directory is read."""
    tiff = exif.removeprefix(b"Exif\0\0")[:_MOST_EXIF_BYTES]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for number in range(min(count, _MOST_TAGS)):
            tag, kind, length, value = struct.unpack_from(
                f"{order}HHIH", tiff, start + 2 + 12 * number
            )
            if tag == _ORIENTATION:
                return value if kind == _SHORT and length == 1 and 1 <= value <= 8 else 1  # noqa: PLR2004 - EXIF's own range
    except struct.error:
        pass
    return 1


def covering(size: tuple[int, int], target: tuple[int, int]) -> tuple[int, int]:
    """The smallest size of the whole photo whose cut still has the target's pixels."""
    scale = max(target[0] / size[0], target[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def cut(size: tuple[int, int], target: tuple[int, int]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom edge of the largest centred cut in the target's aspect ratio."""
    width, height = size
    aspect = target[0] / target[1]
    cut_width, cut_height = min(width, height * aspect), min(height, width / aspect)
    left, top = (width - cut_width) / 2, (height - cut_height) / 2
    return (left, top, left + cut_width, top + cut_height)


def whole_pixels(edges: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
    """The edges of a cut, rounded; at least one pixel each way."""
    left, top, right, bottom = (round(edge) for edge in edges)
    return left, top, max(right, left + 1), max(bottom, top + 1)
