"""Which tiles of a decoded HEIC may be missing from it.

libheif decodes what it can: a tile whose stream is damaged stays one colour (green), without a
word. Next to no tile of a real photo is one exact colour: each that is, is decoded by itself, which
does fail for a damaged tile.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from parrot.photo import heif
from parrot.photo.geometry import Box, whole_pixels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

    from parrot.photo.boxes import Meta

_TURNED = (1, 6, 3, 8)  # the orientation whose `in_file` turns left by so many quarters
_HIDDEN = 1


def doubtful(data: bytes, image: Image) -> Iterator[bytes]:
    """The file with one tile as its picture, for each tile that may not have been decoded."""
    items = heif.still(data)
    places = _places(data, items)
    for tile in dict.fromkeys(heif.decoded(data, items)):
        plain = tile not in places or any(_is_plain(image, place) for place in places[tile])
        if plain and tile != items.primary:
            file = bytearray(data)
            start, end = items.primary_at
            file[start:end] = tile.to_bytes(end - start, "big")
            file[items.flags_at[tile]] &= ~_HIDDEN
            yield bytes(file)


def _places(data: bytes, items: Meta) -> dict[int, list[Box]]:
    """Where in the upright picture each tile is; none unless the picture is a plain grid."""
    parts = items.parts.get(items.primary, [])
    odd = any(items.of(items.primary, kind) for kind in (b"imir", b"clap"))
    if odd or items.kinds[items.primary] != b"grid" or any(part in items.parts for part in parts):
        return {}
    at, _ = next(heif.stream(data, items, items.primary))
    rows, columns = data[at + 2] + 1, data[at + 3] + 1
    width, height = struct.unpack_from(">II" if data[at + 1] & 1 else ">HH", data, at + 4)
    (size, *_) = items.of(parts[0], b"ispe")
    across, down = struct.unpack_from(">II", data, size[0] + 4)
    turns = [data[start] & 3 for start, _ in items.of(items.primary, b"irot")]
    orientation = _TURNED[sum(turns) % 4]
    places: dict[int, list[Box]] = {}
    for number, tile in enumerate(parts[: rows * columns]):
        left, top = number % columns * across / width, number // columns * down / height
        right, bottom = min(1.0, left + across / width), min(1.0, top + down / height)
        if left < 1 and top < 1:
            place = Box(left, top, right, bottom).in_file(orientation)
            places.setdefault(tile, []).append(place)
    return places


def _is_plain(image: Image, place: Box) -> bool:
    """Whether a part is one colour: its corners at first, which most are told apart by."""
    left, top, right, bottom = whole_pixels(place.pixels(image.size))
    corners = {image.getpixel((x, y)) for x in (left, right - 1) for y in (top, bottom - 1)}
    if len(corners) > 1:
        return False
    colours = image.crop((left, top, right, bottom)).getcolors(1)
    return colours is not None
