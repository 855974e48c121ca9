"""What an image file says about itself, read within bounds and before anything is decoded.

Decoders trust headers: they allocate what a header asks for, parse every segment, and follow every
count in the EXIF. So the file is walked here first, by its lengths only. What comes out is a small
`Header`, and for JPEG and PNG the file without the metadata that no pixel depends on, which is all
that a decoder is given. The type is told by the first bytes: phones send wrong names and types.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from parrot.errors import UnsupportedMedia
from parrot.photo import chunks, heif, jpeg
from parrot.photo.metadata import damaged
from parrot.records import MEDIA_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from parrot.records import Header

# What files of these types are called.
SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".heic", ".heif", ".hif", ".avif")
)

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_TIFF = (b"II*\0", b"MM\0*")
# A raw file is a TIFF with this tag: its number, type (bytes) and count (four).
_DNG_VERSION = re.compile(rb"\x12\xc6\x01\0\x04\0\0\0|\xc6\x12\0\x01\0\0\0\x04")
_MOST_DIRECTORY_BYTES = 64 * 1024
_XYB = "XYB".encode("utf-16-be")  # in the name of the profile that encoders write
_KNOWN_BUT_REFUSED = (
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    *((magic, "TIFF") for magic in _TIFF),
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
    if data[:4] in _TIFF and _DNG_VERSION.search(data[:_MOST_DIRECTORY_BYTES]):
        raise UnsupportedMedia(
            f"a raw file (DNG) is not supported; send one of {', '.join(MEDIA_TYPES)}"
        )
    for magic, name in _KNOWN_BUT_REFUSED:
        if data.startswith(magic):
            raise UnsupportedMedia(f"{name} is not supported; send one of {', '.join(MEDIA_TYPES)}")
    raise UnsupportedMedia(f"this is not a supported image; send one of {', '.join(MEDIA_TYPES)}")


def read(data: bytes) -> tuple[str, Header]:
    """One of MEDIA_TYPES, and the file's header. Raises UnsupportedMedia, InvalidImage (422)."""
    media_type = _media_type(data)
    try:
        header = _READERS[media_type](data)
    except (struct.error, LookupError) as error:
        raise damaged(media_type) from error
    if media_type == "image/jpeg" and header.icc and _XYB in header.icc:
        raise UnsupportedMedia("a JPEG in XYB colours is not supported; save it in sRGB")
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
    "image/heic": heif.header,
    "image/avif": heif.header,
}
