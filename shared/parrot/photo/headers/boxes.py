"""HEIF and AVIF (ISO/IEC 23008-12): boxes, of which only the sizes of pictures are looked for."""

from __future__ import annotations

import re

from parrot.photo.headers.header import Header, damaged

_MOST_SIZES = 1_000
_ISPE = re.compile(rb"ispe\0\0\0\0(.{4})(.{4})", re.DOTALL)


def read(data: bytes) -> Header:
    """The largest size that the file names: of the picture, or of the grid that it is made of.

    Orientation and profile are left to the decoder, which applies the one and returns the other.
    """
    sizes = [
        (int.from_bytes(match[1], "big"), int.from_bytes(match[2], "big"))
        for match, _ in zip(_ISPE.finditer(data), range(_MOST_SIZES), strict=False)
    ]
    if not sizes:
        raise damaged("image/heic")
    return Header(*max(sizes, key=lambda size: size[0] * size[1]), channels=4)
