"""What an image file says about itself, read within bounds and before anything is decoded.

Decoders trust headers: they allocate what a header asks for, parse every segment, and follow every
count in the EXIF. So the file is walked here first, by its lengths only. What comes out is a small
`Header`, and for JPEG and PNG the file without the metadata that no pixel depends on, which is all
that a decoder is given. The type is told by the first bytes: phones send wrong names and types.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from parrot.errors import UnsupportedMedia
from parrot.photo import boxes, chunks, jpeg
from parrot.photo.metadata import damaged

if TYPE_CHECKING:
    from collections.abc import Callable

    from parrot.records import Header

MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp", "image/heic", "image/avif")

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_KNOWN_BUT_REFUSED = (
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"%PDF", "PDF"),
)


def _media_type(data: bytes) -> str:
    if data.startswith(b"\xff\xd8"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp":
        # ISO base media: one major brand, then (after a version) the compatible ones.
        end = min(int.from_bytes(data[:4], "big"), 256)
        brands = {data[8:12]} | {data[i : i + 4] for i in range(16, end, 4)}
        if brands & _AVIF_BRANDS:
            return "image/avif"
        if brands & _HEIC_BRANDS:
            return "image/heic"
    for magic, name in _KNOWN_BUT_REFUSED:
        if data.startswith(magic):
            raise UnsupportedMedia(f"{name} is not supported; send one of {', '.join(MEDIA_TYPES)}")
    raise UnsupportedMedia(f"this is not a supported image; send one of {', '.join(MEDIA_TYPES)}")


def read(data: bytes) -> tuple[str, Header]:
    """One of MEDIA_TYPES, and the file's header. Raises UnsupportedMedia, InvalidImage (422)."""
    media_type = _media_type(data)
    try:
        header = _READERS[media_type](data)
    except (struct.error, IndexError) as error:
        raise damaged(media_type) from error
    if header.width < 1 or header.height < 1:
        raise damaged(media_type)
    return media_type, header


def essential(data: bytes, header: Header) -> bytes:
    """The file without metadata that no pixel depends on."""
    if header.spans is None:
        return data
    return b"".join(data[start:end] for start, end in header.spans)


_READERS: dict[str, Callable[[bytes], Header]] = {
    "image/jpeg": jpeg.header,
    "image/png": chunks.png,
    "image/webp": chunks.webp,
    "image/heic": boxes.header,
    "image/avif": boxes.header,
}
