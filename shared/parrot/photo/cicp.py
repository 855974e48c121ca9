"""Colours by code points (ITU-T H.273), as HDR photos and some others name theirs, to sRGB.

HDR is PQ or HLG (ITU-R BT.2100), in which white is far from the largest value: shown as they are,
such pictures are grey. White is where BT.2408 has it, at 203 of PQ's 10,000 and HLG's 1,000 nits.
What is brighter is compressed into the last fifth below white.
"""

from __future__ import annotations

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


def guess(image: Image) -> tuple[int, int] | None:
    """HDR whose encoder did not say so: nothing in it is brighter than where HDR has its white.

    Of 891 ordinary photos, none looks like PQ and twelve like HLG.
    """
    sample = np.asarray(image.convert("RGB").resize((256, 256), Resampling.BOX)).max(axis=2)
    black, white = np.percentile(sample, (0.1, 99.9))
    if _PQ_WHITE[0] <= white <= _PQ_WHITE[1] and black >= _PQ_BLACK:
        return BT2020, PQ
    return (BT2020, HLG) if _HLG_WHITE[0] <= white <= _HLG_WHITE[1] else None


def to_srgb(pixels: Bytes | Floats, cicp: tuple[int, int]) -> Bytes | Floats:
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
