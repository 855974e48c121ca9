"""What an image file says about itself, read within bounds and before anything is decoded.

Decoders trust headers: they allocate what a header asks for, parse every segment, and follow every
count in the EXIF. So the file is walked here first, by its lengths only. What comes out is a small
`Header`, and for JPEG and PNG the file without the metadata that no pixel depends on, which is all
that a decoder is given.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from parrot.photo.headers import boxes, chunks, jpeg
from parrot.photo.headers.header import Header, damaged, orientation

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Header", "damaged", "essential", "orientation", "read"]

_READERS: dict[str, Callable[[bytes], Header]] = {
    "image/jpeg": jpeg.read,
    "image/png": chunks.read_png,
    "image/webp": chunks.read_webp,
    "image/heic": boxes.read,
    "image/avif": boxes.read,
}


def read(data: bytes, media_type: str) -> Header:
    """The header of a file of this type. Raises InvalidImage (422)."""
    try:
        header = _READERS[media_type](data)
    except (struct.error, IndexError) as error:
        raise damaged(media_type) from error
    if header.width < 1 or header.height < 1:
        raise damaged(media_type)
    return header


def essential(data: bytes, header: Header) -> bytes:
    """The file without metadata that no pixel depends on."""
    if header.spans is None:
        return data
    return b"".join(data[start:end] for start, end in header.spans)
