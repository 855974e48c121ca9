"""Colour profiles (ICC.1:2022): which of them are honoured, and how."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

_HEADER_BYTES = 128
_MOST_TAGS = 64
_MOST_POINTS = 4096  # of a tone curve
_MATRIX = frozenset({b"rXYZ", b"gXYZ", b"bXYZ"})
_CURVES = frozenset({b"rTRC", b"gTRC", b"bTRC"})
_TABLES = (b"A2B", b"B2A", b"D2B", b"B2D")


def to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Colours converted as the profile says: a phone's Display P3 would look pale otherwise."""
    if not is_simple(profile):
        return image
    from PIL import ImageCms  # noqa: PLC0415 - few photos need it

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB")) or image
    except (ImageCms.PyCMSError, OSError, ValueError):  # damaged, or not an RGB profile
        return image


def is_simple(profile: bytes) -> bool:
    """Whether it is RGB by a matrix and three tone curves, as cameras and phones write it.

    Tables and programs (`DToB0`) may take minutes for a photo: such photos are treated as sRGB.
    """
    try:
        (count,) = struct.unpack_from(">I", profile, _HEADER_BYTES)
        if profile[16:20] != b"RGB " or count > _MOST_TAGS:
            return False
        tags = {}
        for number in range(count):
            name, start, _ = struct.unpack_from(">4sII", profile, _HEADER_BYTES + 4 + 12 * number)
            tags[name] = start
        return (
            tags.keys() >= _MATRIX | _CURVES
            and not any(name.startswith(_TABLES) for name in tags)
            and all(_short_curve(profile, tags[name]) for name in _CURVES)
        )
    except struct.error:
        return False


def _short_curve(profile: bytes, start: int) -> bool:
    kind: bytes
    points: int
    kind, points = struct.unpack_from(">4s4xI", profile, start)
    return kind == b"para" or (kind == b"curv" and points <= _MOST_POINTS)
