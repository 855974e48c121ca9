"""BlurHash: a photo in some thirty characters, to show while its thumbnail loads.

The format is that of https://github.com/woltapp/blurhash; phones decode it with the libraries
listed there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from parrot.records import Bytes

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"
_LONG, _SHORT = 4, 3  # waves along the long and the short side
_AC_STEPS = 19


def encode(pixels: Bytes) -> str:
    """The BlurHash of (height, width, 3) RGB; some 32 pixels per side are plenty."""
    height, width, _ = pixels.shape
    across, down = (_LONG, _SHORT) if width >= height else (_SHORT, _LONG)
    waves = np.einsum(
        "jy,ix,yxc->jic", _cosines(down, height), _cosines(across, width), _linear(pixels)
    ) / (height * width)
    waves[1:] *= 2
    waves[0, 1:] *= 2
    average, rest = waves[0, 0], waves.reshape(-1, 3)[1:]

    loudest = int(np.clip(np.floor(np.abs(rest).max() * 166 - 0.5), 0, 82))
    scaled = rest / ((loudest + 1) / 166)
    steps = np.floor(np.sign(scaled) * np.sqrt(np.abs(scaled)) * 9 + 9.5)
    red, green, blue = np.clip(steps, 0, _AC_STEPS - 1).astype(int).T
    colour = int.from_bytes(_gamma(average).tobytes(), "big")
    return (
        _base83(across - 1 + (down - 1) * 9, 1)
        + _base83(loudest, 1)
        + _base83(colour, 4)
        + "".join(_base83(int(n), 2) for n in (red * _AC_STEPS + green) * _AC_STEPS + blue)
    )


def _cosines(count: int, size: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.cos(np.pi * np.outer(np.arange(count), np.arange(size)) / size)


def _linear(pixels: Bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    unit = pixels / 255
    return np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004 - sRGB's own constants


def _gamma(linear: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Bytes:
    unit = np.clip(linear, 0, 1)
    unit = np.where(unit <= 0.0031308, unit * 12.92, 1.055 * unit ** (1 / 2.4) - 0.055)  # noqa: PLR2004 - sRGB's own constants
    return np.floor(unit * 255 + 0.5).astype(np.uint8)


def _base83(number: int, length: int) -> str:
    return "".join(_DIGITS[number // 83**place % 83] for place in reversed(range(length)))
