"""The record of a file's own claims, and what every format shares."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

from parrot.errors import InvalidImage

MOST_ICC_BYTES = 64 * 1024
XMP_ORIENTATION = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')
_MOST_EXIF_BYTES = 64 * 1024  # one JPEG segment holds no more
_MOST_TAGS = 200
_ORIENTATION, _SHORT = 0x0112, 3


@dataclass(frozen=True, slots=True)
class Header:
    """A file's own claims. `width` and `height` are as stored, before `orientation` is applied."""

    width: int
    height: int
    orientation: int = 1  # EXIF's 1..8
    channels: int = 3  # that a decoder keeps for each pixel
    depth: int = 8  # bits for each channel
    scans: int = 1  # passes over a JPEG's coefficients
    buffered: bool = False  # the decoder keeps every coefficient: progressive and the like
    icc: bytes | None = field(default=None, repr=False)
    spans: tuple[tuple[int, int], ...] | None = field(default=None, repr=False)  # see `essential`


def damaged(media_type: str) -> InvalidImage:
    """The refusal of a file that cannot be decoded."""
    return InvalidImage(f"the {media_type} is damaged or incomplete")


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


def joined(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Adjacent spans as one."""
    joined = spans[:1]
    for start, end in spans[1:]:
        if start == joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)
