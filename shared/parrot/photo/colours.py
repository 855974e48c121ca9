"""Colours to sRGB: by code points (ITU-T H.273), as HDR photos have them, or by a profile (ICC.1).

HDR is PQ or HLG (ITU-R BT.2100), in which white is far from the largest value: shown as they are,
such pictures are grey. White is where BT.2408 has it, at 203 of PQ's 10,000 and HLG's 1,000 nits.
What is brighter is compressed into the last fifth below white.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import numpy as np
from PIL.Image import Resampling

from parrot.photo.metadata import BT2020, DISPLAY_P3, HLG, LINEAR, PQ

if TYPE_CHECKING:
    from PIL.Image import Image

    from parrot.records import Bytes, Floats

_WHITE_NITS, _PQ_NITS, _HLG_NITS = 203, 10_000, 1_000
_KNEE = 0.8
_PQ_WHITE, _PQ_BLACK, _HLG_WHITE = (138, 158), 12, (178, 202)  # of 255
_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)  # of BT.2020's primaries
_TO_SRGB = {
    BT2020: ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187)),
    DISPLAY_P3: ((1.2249, -0.2247, 0.0), (-0.0420, 1.0419, 0.0), (-0.0197, -0.0786, 1.0979)),
}
_HEADER_BYTES = 128
_MOST_TAGS = 64
_MOST_POINTS = 4096  # of a tone curve
_MATRIX = frozenset({b"rXYZ", b"gXYZ", b"bXYZ"})
_CURVES = frozenset({b"rTRC", b"gTRC", b"bTRC"})
_TABLES = (b"A2B", b"B2A", b"D2B", b"B2D")


def guess(image: Image) -> tuple[int, int] | None:
    """HDR whose encoder did not say so: nothing in it is brighter than where HDR has its white.

    Of 891 ordinary photos, none looks like PQ and twelve like HLG.
    """
    sample = np.asarray(image.convert("RGB").resize((256, 256), Resampling.BOX)).max(axis=2)
    black, white = np.percentile(sample, (0.1, 99.9))
    if _PQ_WHITE[0] <= white <= _PQ_WHITE[1] and black >= _PQ_BLACK:
        return BT2020, PQ
    return (BT2020, HLG) if _HLG_WHITE[0] <= white <= _HLG_WHITE[1] else None


def by_code_points(pixels: Bytes | Floats, cicp: tuple[int, int]) -> Bytes | Floats:
    """(height, width, 3) in 0..255 of any type to sRGB of the same type."""
    primaries, transfer = cicp
    linear = _linear(pixels.astype(np.float32) / np.float32(255), transfer)
    if primaries in _TO_SRGB:
        linear = linear @ np.array(_TO_SRGB[primaries], np.float32).T
    linear = np.clip(linear, 0, None)
    if transfer in {PQ, HLG}:
        over = np.maximum(linear - _KNEE, 0)
        linear = np.minimum(linear, _KNEE) + (1 - _KNEE) * -np.expm1(-over / (1 - _KNEE))
    srgb = np.where(
        linear <= 0.0031308,  # noqa: PLR2004 - sRGB's own constants
        linear * 12.92,
        1.055 * linear ** (1 / 2.4) - 0.055,
    )
    scaled = np.clip(srgb, 0, 1) * 255
    return np.rint(scaled).astype(np.uint8) if pixels.dtype == np.uint8 else scaled


def _linear(coded: Floats, transfer: int) -> Floats:
    """Light, of which white has 1; the constants are those of BT.2100 and of sRGB."""
    if transfer == PQ:
        power = coded ** (32 / 2523)
        light: Floats = np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)
        return light ** (16384 / 2610) * (_PQ_NITS / _WHITE_NITS)
    if transfer == HLG:
        scene: Floats = np.where(
            coded <= 0.5,  # noqa: PLR2004
            coded**2 / 3,
            (np.exp((coded - 0.55991073) / 0.17883277) + 0.28466892) / 12,
        )
        luminance: Floats = (scene @ _LUMINANCE)[..., None]
        return (scene * luminance**0.2 * (_HLG_NITS / _WHITE_NITS)).astype(np.float32)
    if transfer == LINEAR:
        return coded
    curved = ((coded + 0.055) / 1.055) ** 2.4
    return np.where(coded <= 0.04045, coded / 12.92, curved).astype(np.float32)  # noqa: PLR2004


def by_profile(image: Image, profile: bytes) -> Image:
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
