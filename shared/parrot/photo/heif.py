"""The header of a HEIC or AVIF (ISO/IEC 23008-12).

The picture is one item, or a grid of other items (tiles). A decoder leaves a tile that is not there
green, and decodes a tile as often as it is named: so it is checked here that every tile is in the
file, and every mention counts as work.
"""

from __future__ import annotations

import struct
from itertools import islice
from typing import TYPE_CHECKING

from parrot.errors import InvalidImage, UnsupportedMedia
from parrot.photo import bitstream
from parrot.photo.boxes import MOST_BOXES, Meta, boxes, meta
from parrot.photo.metadata import HLG, PQ, UNNAMED, foreign
from parrot.records import Header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parrot.photo.bitstream import Size

_DEEPEST = 4  # a grid of pictures that are made of pictures
_MOST_PADDING = 64  # pixels that a stream's blocks may add to a picture's width or height
_MOST_CONFIGURATION_BYTES = 16 * 1024
_SEQUENCES = frozenset({b"hevc", b"hevx", b"msf1", b"avis"})
_ALPHA = (b":auxiliary:alpha\0", b":auxid:1\0")


def header(data: bytes) -> Header:
    """The largest size that a part of the picture claims or really has, and what is decoded.

    Orientation and profile are left to the decoder, which applies the one and returns the other.
    Raises InvalidImage, UnsupportedMedia, and for a damaged file struct.error or LookupError.
    """
    items = still(data)
    # Metadata too: a file that was cut is not the caller's photo.
    places = [place for item in items.extents for place in stream(data, items, item)]
    if sum(end - start for start, end in places) > 2 * len(data):  # they share their bytes
        raise LookupError
    leaves = decoded(data, items)
    areas = {item: _area(data, items, item) for item in {items.primary, *leaves}}
    _, width, height = max(areas.values())
    return Header(
        width,
        height,
        channels=4,
        cicp=_cicp(data, items, items.primary) or _cicp(data, items, leaves[0]),
        decoded_pixels=sum(areas[item][0] for item in leaves),
    )


def still(data: bytes) -> Meta:
    """The items of a file with a still picture. Raises as `header`."""
    top = {kind: (start, end) for kind, start, end in boxes(data, 0, len(data))}
    items = meta(data, *top[b"meta"]) if b"meta" in top else Meta()
    if not items.owned:
        if b"moov" in top or data[8:12] in _SEQUENCES:
            raise UnsupportedMedia("this is a sequence of pictures, not a photo")
        raise LookupError
    lists = items.property_lists
    if len(set(lists)) < len(lists) and b"avif" in data[8:32]:
        raise UnsupportedMedia("an AVIF with two lists of properties (ipma) is not supported")
    return items


def decoded(data: bytes, items: Meta) -> list[int]:
    """What the picture and its opacity are made of, as often as it is decoded."""
    opacities = (
        item
        for item, wholes in items.auxiliary.items()
        if items.primary in wholes
        and any(data.endswith(_ALPHA, start, end) for start, end in items.of(item, b"auxC"))
    )
    leaves = list(islice(_leaves(items, [items.primary, *opacities], _DEEPEST), MOST_BOXES + 1))
    if len(leaves) > MOST_BOXES:
        raise InvalidImage(f"the image has more than {MOST_BOXES:,} tiles")
    return leaves


def _leaves(items: Meta, roots: list[int], depth: int) -> Iterator[int]:
    if not depth:
        raise IndexError
    for item in roots:
        parts = items.parts.get(item)
        if parts:
            yield from _leaves(items, parts, depth - 1)
        else:
            yield item


def _area(data: bytes, items: Meta, item: int) -> tuple[int, int, int]:
    """Pixels, width and height of an item. Raises LookupError if its stream is much larger."""
    places = list(stream(data, items, item))
    if not any(places):
        raise IndexError
    claimed = [struct.unpack_from(">II", data, at + 4) for at, _ in items.of(item, b"ispe")]
    coded = list(_coded(data, items, item, places))
    for width, height in claimed:
        if any(w > width + _MOST_PADDING or h > height + _MOST_PADDING for w, h in coded):
            raise LookupError
    return max(((w * h, w, h) for w, h in (*claimed, *coded)), default=(0, 0, 0))


def stream(data: bytes, items: Meta, item: int) -> Iterator[tuple[int, int]]:
    """Where an item's bytes are. Raises IndexError if some are beyond the end of the file."""
    for method, at, length in items.extents[item]:
        start, end = {0: (0, len(data)), 1: items.idat}.get(method, (0, 0))
        start += at
        if start + length > end:
            raise IndexError
        yield start, start + length if length else end


def _coded(data: bytes, items: Meta, item: int, places: list[tuple[int, int]]) -> Iterator[Size]:
    if len(items.of(item, b"hvcC") + items.of(item, b"av1C")) > 1:
        raise LookupError
    for start, end in items.of(item, b"hvcC"):
        yield from bitstream.hevc(data[start : min(end, start + _MOST_CONFIGURATION_BYTES)])
    for start, end in items.of(item, b"av1C"):
        yield from bitstream.av1(data[start + 4 : min(end, start + _MOST_CONFIGURATION_BYTES)])
        yield from bitstream.av1(b"".join(data[at:stop] for at, stop in places))


def _cicp(data: bytes, items: Meta, item: int) -> tuple[int, int] | None:
    """Primaries and transfer function: of HDR always, otherwise only without an ICC profile."""
    cicp, profile = None, False
    for start, _ in items.of(item, b"colr"):
        kind, primaries, transfer = struct.unpack_from(">4sHH", data, start)
        if kind == b"nclx":
            cicp = primaries, transfer
        else:
            profile = True
    if cicp is None and not profile and _is_deep(data, items, item):
        return UNNAMED
    return foreign(*cicp) if cicp and (cicp[1] in {PQ, HLG} or not profile) else None


def _is_deep(data: bytes, items: Meta, item: int) -> bool:
    """Whether HEVC's samples have more than eight bits."""
    return any(data[start + 17] & 7 for start, _ in items.of(item, b"hvcC"))
