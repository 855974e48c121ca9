"""What an image file says about itself, read within bounds and before anything is decoded.

Decoders trust headers: they allocate what a header asks for, parse every segment, and follow every
count in the EXIF. So the file is walked here first, by its lengths only. What comes out is a small
`Header`, and for JPEG and PNG the file without the metadata that no pixel depends on, which is all
that a decoder is given. The type is told by the first bytes: phones send wrong names and types.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import TYPE_CHECKING

from parrot.errors import InvalidImage, UnsupportedMedia
from parrot.photo.geometry import orientation
from parrot.records import Header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
_MOST_ICC_BYTES = 64 * 1024
_XMP_ORIENTATION = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')
MOST_SEGMENTS = 1_000  # cameras write fewer than a hundred before the picture
MOST_SCANS = 100  # a progressive JPEG as encoders write it has ten
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_SOS, _APP1, _APP2 = 0xDA, 0xE1, 0xE2
# All application segments but JFIF's (0xE0) and Adobe's (0xEE), which name colours; and comments.
_METADATA = frozenset({*range(0xE1, 0xF0), 0xFE}) - {0xEE}
_STANDALONE = frozenset({0x01, *range(0xD0, 0xDA)})
MOST_CHUNKS = 50_000  # of a PNG or WebP: encoders write 8 kB or more into each
_NEEDED = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_MOST_SIZES = 1_000
_ISPE = re.compile(rb"ispe\0\0\0\0(.{4})(.{4})", re.DOTALL)


def damaged(media_type: str) -> InvalidImage:
    """The refusal of a file that cannot be decoded."""
    return InvalidImage(f"the {media_type} is damaged or incomplete")


def _media_type(data: bytes) -> str:
    if data.startswith(b"\xff\xd8\xff"):
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


def _read_jpeg(data: bytes) -> Header:
    """ITU T.81: the segments before the first scan are walked, the scans after it counted."""
    kept, metadata, frame = [(0, 2)], _Metadata(), None
    for marker, at, body in _segments(data):
        if marker == _SOS:
            if frame is None:
                break
            kind, width, height, components = frame
            buffered = kind == _PROGRESSIVE or body[0] < components
            return Header(
                width,
                height,
                metadata.orientation,
                channels=components,
                scans=_scans(data, at) if buffered else 1,
                buffered=buffered,
                icc=metadata.icc,
                spans=_joined([*kept, (at, len(data))]),
            )
        if marker in _METADATA:
            metadata.add(marker, body)
            continue
        kept.append((at, at + 4 + len(body)))
        if marker in _SOF and frame is None:
            frame = _frame(marker, body)
    raise damaged("image/jpeg")


def _segments(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Marker, where it begins, and body of each segment up to the first scan."""
    at = 2
    for _ in range(MOST_SEGMENTS):
        if data[at] != 0xFF:  # noqa: PLR2004 - every marker's first byte
            raise damaged("image/jpeg")
        marker = data[at + 1]
        if marker == 0xFF:  # noqa: PLR2004 - a fill byte
            at += 1
        elif marker in _STANDALONE:
            at += 2
        else:
            (length,) = struct.unpack_from(">H", data, at + 2)
            yield marker, at, data[at + 4 : at + 2 + length]
            at += 2 + max(length, 2)
    raise InvalidImage(f"the image/jpeg has more than {MOST_SEGMENTS:,} segments")


def _frame(marker: int, body: bytes) -> tuple[int, int, int, int]:
    """Marker, width, height and the number of components."""
    if marker not in {_BASELINE, _EXTENDED, _PROGRESSIVE}:  # as in browsers
        raise InvalidImage("arithmetic, lossless and hierarchical JPEGs are not supported")
    height, width, components = struct.unpack_from(">xHHB", body)
    return marker, width, height, components


class _Metadata:
    """What of a JPEG's metadata changes how it looks."""

    def __init__(self) -> None:
        self._exif: int | None = None
        self._xmp: int | None = None
        self._profile: dict[int, bytes] = {}

    @property
    def orientation(self) -> int:
        return self._exif or self._xmp or 1

    @property
    def icc(self) -> bytes | None:
        whole = b"".join(self._profile[number] for number in sorted(self._profile))
        return whole if 0 < len(whole) <= _MOST_ICC_BYTES else None

    def add(self, marker: int, body: bytes) -> None:
        if marker == _APP1 and body.startswith(b"Exif\0\0") and self._exif is None:
            self._exif = orientation(body)
        elif marker == _APP1 and (match := _XMP_ORIENTATION.search(body)):
            self._xmp = int(match[1])
        elif marker == _APP2 and body.startswith(b"ICC_PROFILE\0"):
            self._profile[body[12]] = body[14:]


def _scans(data: bytes, first: int) -> int:
    """In compressed data 0xFF is always followed by 0 or a restart, so markers can be counted."""
    scans = data.count(b"\xff\xda", first)
    if scans > MOST_SCANS:
        raise InvalidImage(f"the image/jpeg has {scans:,} scans, over the limit of {MOST_SCANS}")
    return scans


def _read_png(data: bytes) -> Header:
    """W3C's PNG."""
    width, height, depth, colour, _, _, interlaced = struct.unpack_from(">II5B", data, 16)
    kept, turned, icc, transparent = [(0, 8)], 1, None, colour in {4, 6}
    for kind, start, length in _chunks(data, 8, ">I4s"):
        body = data[start : start + min(length, _MOST_ICC_BYTES)]
        if kind in _NEEDED:
            kept.append((start - 8, start + length + 4))
            transparent = transparent or kind == b"tRNS"
        elif kind == b"eXIf":
            turned = orientation(body)
        elif kind == b"iTXt" and (match := _XMP_ORIENTATION.search(body)):
            turned = int(match[1])
        elif kind == b"tEXt" and body.startswith(b"Raw profile type exif\0"):
            turned = orientation(_from_hex(body))
        elif kind == b"iCCP" and icc is None:
            icc = _inflated(body.partition(b"\0")[2][1:])
    return Header(
        width,
        height,
        turned,
        channels={0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 4)
        + (transparent and colour in {0, 2, 3}),
        depth=depth,
        scans=7 if interlaced else 1,
        icc=icc,
        spans=_joined(kept),
    )


def _read_webp(data: bytes) -> Header:
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
    turned, icc = 1, None
    if kind == b"VP8X":
        for name, start, length in _chunks(data, 12, "<4sI"):
            if name == b"EXIF":
                turned = orientation(data[start : start + length])
            elif name == b"ICCP" and length <= _MOST_ICC_BYTES:
                icc = data[start : start + length]
    return Header(width, height, turned, channels=4 if flags & 16 else 3, icc=icc)


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
        whole = zlib.decompressobj().decompress(packed, _MOST_ICC_BYTES + 1)
    except zlib.error:
        return None
    return whole if len(whole) <= _MOST_ICC_BYTES else None


def _joined(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Adjacent spans as one."""
    joined = spans[:1]
    for start, end in spans[1:]:
        if start == joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)


def _read_boxes(data: bytes) -> Header:
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


_READERS: dict[str, Callable[[bytes], Header]] = {
    "image/jpeg": _read_jpeg,
    "image/png": _read_png,
    "image/webp": _read_webp,
    "image/heic": _read_boxes,
    "image/avif": _read_boxes,
}
