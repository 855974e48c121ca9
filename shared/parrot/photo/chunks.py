"""The headers of PNG and WebP, which are files of chunks."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from parrot.errors import InvalidImage
from parrot.photo.geometry import orientation
from parrot.photo.metadata import MOST_ICC_BYTES, XMP_ORIENTATION, foreign
from parrot.records import Header

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_CHUNKS = 50_000  # of a PNG or WebP: encoders write 8 kB or more into each
# Of which the first of each kind is read, if it begins so.
_METADATA = {
    b"eXIf": b"",
    b"iTXt": b"XML:com.adobe.xmp\0",
    b"tEXt": b"Raw profile type exif\0",
    b"iCCP": b"",
    b"cICP": b"",
}
_NEEDED = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})


def png(data: bytes) -> Header:
    """W3C's PNG."""
    width, height, _, colour, _, _, interlaced = struct.unpack_from(">II5B", data, 16)
    kept, metadata, transparent = [(0, 8)], dict[bytes, bytes](), colour in {4, 6}
    for kind, start, length in _chunks(data, 8, ">I4s"):
        if kind in _NEEDED:
            kept.append((start - 8, start + length + 4))
            transparent = transparent or kind == b"tRNS"
        elif kind in _METADATA and data.startswith(_METADATA[kind], start):
            metadata.setdefault(kind, data[start : start + min(length, MOST_ICC_BYTES)])
    exif = metadata.get(b"eXIf") or _from_hex(metadata.get(b"tEXt", b""))
    xmp = XMP_ORIENTATION.search(metadata.get(b"iTXt", b""))
    profile = metadata.get(b"iCCP", b"").partition(b"\0")[2][1:]
    cicp = metadata.get(b"cICP", b"")
    return Header(
        width,
        height,
        orientation(exif) if exif or not xmp else int(xmp[1]),
        channels={0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 4)
        + (transparent and colour in {0, 2, 3}),
        scans=7 if interlaced else 1,
        icc=_inflated(profile) if profile else None,
        cicp=foreign(cicp[0], cicp[1]) if len(cicp) > 1 else None,
        spans=_joined(kept),
    )


def webp(data: bytes) -> Header:
    """RFC 9649: the canvas, and what a decoder would allocate for it."""
    kind = data[12:16]
    if kind == b"VP8X":
        flags, width, height = data[20], _three(data, 24) + 1, _three(data, 27) + 1
    elif kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        flags, width, height = bits >> 28 & 1 and 16, (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (size & 0x3FFF for size in struct.unpack_from("<HH", data, 26))
        flags = 0
    metadata: dict[bytes, bytes] = {}
    if kind == b"VP8X":
        for name, start, length in _chunks(data, 12, "<4sI"):
            if name in {b"EXIF", b"ICCP"}:
                metadata.setdefault(name, data[start : start + length])
    icc = metadata.get(b"ICCP")
    return Header(
        width,
        height,
        orientation(metadata.get(b"EXIF", b"")),
        channels=4 if flags & 16 else 3,
        icc=icc if icc and len(icc) <= MOST_ICC_BYTES else None,
    )


def _chunks(data: bytes, at: int, layout: str) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and length of each chunk of a PNG or RIFF file. Raises InvalidImage."""
    for _ in range(MOST_CHUNKS):
        if at + 8 > len(data):
            return
        kind, length = sorted(
            struct.unpack_from(layout, data, at), key=lambda part: type(part) is int
        )
        yield kind, at + 8, length
        at += 8 + length + (4 if layout[0] == ">" else length % 2)
    raise InvalidImage(f"the image has more than {MOST_CHUNKS:,} chunks")


def _from_hex(text: bytes) -> bytes:
    """EXIF as ImageMagick writes it into a PNG: a name, a length, lines of hexadecimal digits."""
    try:
        return bytes.fromhex(b"".join(text.split(b"\n")[3:]).decode("ascii"))
    except ValueError:
        return b""


def _three(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 3], "little")


def _inflated(packed: bytes) -> bytes | None:
    try:
        whole = zlib.decompressobj().decompress(packed, MOST_ICC_BYTES + 1)
    except zlib.error:
        return None
    return whole if len(whole) <= MOST_ICC_BYTES else None


def _joined(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Adjacent spans as one: most of a PNG's tens of thousands are."""
    joined = spans[:1]
    for start, end in spans[1:]:
        if start == joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)
