"""The header of a JPEG (ITU T.81), walked as libjpeg and browsers walk it.

What stands before a marker is skipped, whatever it is: cameras and editors leave zeros, fill bytes
and the ends of comments whose length is wrong. A decoder is given the segments that it needs and
the picture, without what lay between and behind them: a motion photo's film, for example.
"""

from __future__ import annotations

import re
import struct
from itertools import chain, product
from typing import TYPE_CHECKING

from parrot.errors import InvalidImage
from parrot.photo.geometry import orientation
from parrot.photo.metadata import MOST_ICC_BYTES, XMP_ORIENTATION, damaged
from parrot.records import Header

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    _Segment = tuple[int, int, bytes]  # marker, where it begins, body

MOST_SEGMENTS = 1_000  # cameras write fewer than a hundred
MOST_SCANS = 100  # a progressive JPEG as encoders write it has ten
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_TEM, _SOI, _EOI, _SOS, _DRI = 0x01, 0xD8, 0xD9, 0xDA, 0xDD
_APP0, _APP1, _APP2, _APP14, _COM = 0xE0, 0xE1, 0xE2, 0xEE, 0xFE
_METADATA = frozenset({*range(_APP0, 0xF0), _COM})
# What decoders heed of it, and from which length on: which colours the components are.
_COLOURS = {_APP0: (b"JFIF\0", 14), _APP14: (b"Adobe", 12)}
_FIRST_SEGMENT = 0xC0  # markers below have no meaning, and no length
# Restarts belong to the compressed data, where a 0xFF that is no marker is followed by 0. One byte
# of fill is enough: `\xff+` would begin again at each byte of a long fill.
_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
_END = b"\xff\xd9"
_MOST_COMPONENTS, _COEFFICIENTS = 4, 64


def header(data: bytes) -> Header:
    """Of the segments before the first scan; the scans are counted up to the picture's end."""
    kept, metadata, frame, restarts = [(0, 2)], _Metadata(), None, False
    segments = _segments(data)
    for marker, at, body in segments:
        if marker == _SOS:
            break
        if marker in _METADATA:
            metadata.add(marker, body)
            start, shortest = _COLOURS.get(marker, (b"", 2**16))
            if len(body) < shortest or not body.startswith(start):
                continue
        elif marker < _FIRST_SEGMENT or marker in {_SOI, _EOI}:
            raise damaged("image/jpeg")
        elif marker in _SOF and frame is None:
            frame = _frame(marker, body)
        restarts = restarts or marker == _DRI
        kept.append((at, at + 4 + len(body)))
    else:
        raise damaged("image/jpeg")
    if frame is None:
        raise damaged("image/jpeg")
    kind, width, height, components = frame
    buffered = kind == _PROGRESSIVE or body[0] < components
    end: int | None
    if not buffered and data.endswith(_END):  # one scan, at whose end a decoder stops by itself
        scans, end, exact = 1, len(data), 0
    else:
        scans, end, exact = _scans(chain([(marker, at, body)], segments), kind, buffered=buffered)
    # Of restarts, a decoder that keeps coefficients cannot say whether one more should follow.
    unended = end is None and exact >= components * _COEFFICIENTS and not (buffered and restarts)
    if end is None:  # half of the end's marker may be there
        end = len(data.rstrip(b"\xff")) if unended else len(data)
    return Header(
        width,
        height,
        metadata.orientation,
        channels=components,
        scans=scans,
        buffered=buffered,
        icc=metadata.icc,
        spans=(*kept, (at, end)),
        unended=unended,
    )


def _segments(data: bytes) -> Iterator[_Segment]:
    """The segments up to the picture's end, which is the last one, or to the end of the data."""
    at, marker = 2, 0
    for _ in range(MOST_SEGMENTS):
        match = None if marker == _EOI else _MARKER.search(data, at)
        if match is None:
            return
        at, marker = match.start(), match[1][0]
        if marker == _TEM:
            at += 2
        elif marker < _FIRST_SEGMENT or marker in {_SOI, _EOI}:
            yield marker, at, b""
            at += 2
        else:
            length = int.from_bytes(data[at + 2 : at + 4], "big")
            yield marker, at, data[at + 4 : at + 2 + length]
            at += 2 + max(length, 2)
    raise InvalidImage(f"the image/jpeg has more than {MOST_SEGMENTS:,} segments")


def _scans(
    segments: Iterable[_Segment], kind: int, *, buffered: bool
) -> tuple[int, int | None, int]:
    """The scans, where the picture ends (None: at no marker), and how many coefficients are exact.

    A decoder reads the markers in the same order, so it meets no scan that is not counted here.
    """
    scans, exact = 0, set[tuple[int, int]]()
    for marker, at, body in segments:
        if marker == _EOI:
            return scans, at + 2, len(exact)
        if marker != _SOS or (scans and not buffered):
            continue
        scans += 1
        if scans > MOST_SCANS:
            raise InvalidImage(f"the image/jpeg has more than {MOST_SCANS} scans")
        count = min(body[0], _MOST_COMPONENTS)
        first, last, missing = struct.unpack_from("3B", body, 1 + 2 * count)
        if kind != _PROGRESSIVE:
            first, last, missing = 0, _COEFFICIENTS - 1, 0
        if not missing & 0x0F:  # bits that a later scan brings
            names = body[1 : 1 + 2 * count : 2]
            exact.update(product(names, range(first, min(last + 1, _COEFFICIENTS))))
    return scans, None, len(exact)


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
