"""The header of a JPEG (ITU T.81): its segments before the first scan."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from parrot.errors import InvalidImage
from parrot.photo.geometry import orientation
from parrot.photo.metadata import MOST_ICC_BYTES, XMP_ORIENTATION, damaged, joined
from parrot.records import Header

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_SEGMENTS = 1_000  # cameras write fewer than a hundred before the picture
MOST_SCANS = 100  # a progressive JPEG as encoders write it has ten
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_SOS, _APP1, _APP2 = 0xDA, 0xE1, 0xE2
# All application segments but JFIF's (0xE0) and Adobe's (0xEE), which name colours; and comments.
_METADATA = frozenset({*range(0xE1, 0xF0), 0xFE}) - {0xEE}
_STANDALONE = frozenset({0x01, *range(0xD0, 0xDA)})


def header(data: bytes) -> Header:
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
                spans=joined([*kept, (at, len(data))]),
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
        return whole if 0 < len(whole) <= MOST_ICC_BYTES else None

    def add(self, marker: int, body: bytes) -> None:
        if marker == _APP1 and body.startswith(b"Exif\0\0") and self._exif is None:
            self._exif = orientation(body)
        elif marker == _APP1 and (match := XMP_ORIENTATION.search(body)):
            self._xmp = int(match[1])
        elif marker == _APP2 and body.startswith(b"ICC_PROFILE\0"):
            self._profile[body[12]] = body[14:]


def _scans(data: bytes, first: int) -> int:
    """In compressed data 0xFF is always followed by 0 or a restart, so markers can be counted."""
    scans = data.count(b"\xff\xda", first)
    if scans > MOST_SCANS:
        raise InvalidImage(f"the image/jpeg has {scans:,} scans, over the limit of {MOST_SCANS}")
    return scans
