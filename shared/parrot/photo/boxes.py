"""The header of a HEIC or AVIF (ISO/IEC 23008-12), which are files of boxes."""

from __future__ import annotations

import re

from parrot.photo.metadata import damaged
from parrot.records import Header

_MOST_SIZES = 1_000
_ISPE = re.compile(rb"ispe\0\0\0\0(.{4})(.{4})", re.DOTALL)


def header(data: bytes) -> Header:
    """ISO/IEC 23008-12: the largest size that is named, of the picture or of its grid.

    Orientation and profile are left to the decoder, which applies the one and returns the other.
    """
    sizes = [
        (int.from_bytes(match[1], "big"), int.from_bytes(match[2], "big"))
        for match, _ in zip(_ISPE.finditer(data), range(_MOST_SIZES), strict=False)
    ]
    if not sizes:
        raise damaged("image/heic")
    return Header(*max(sizes, key=lambda size: size[0] * size[1]), channels=4)
