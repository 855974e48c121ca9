"""What may be shown of a stored photo: a clean copy, a thumbnail, and two short hashes.

A BlurHash is a photo in some thirty characters, to show while its thumbnail loads; phones decode it
with the libraries listed at https://github.com/woltapp/blurhash. A perceptual hash survives another
size, quality or format of the same picture.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    import numpy.typing as npt

    from parrot.photo.decoder import Decoder
    from parrot.records import Bytes, Photo

    Doubles = npt.NDArray[np.float64]

IMAGE_PX = 1024
THUMBNAIL_PX = 256
_BLURHASH_PX = 32
_QUALITY = 80
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"
_LONG, _SHORT = 4, 3  # waves of a BlurHash along the long and the short side
_AC_STEPS = 19
_WAVES, _GRID = 8, 32  # of a perceptual hash
_EFFORT = 2  # half the time of libwebp's default (4), files 3 % larger


@dataclass(frozen=True, slots=True)
class Thumbnails:
    """WebP files without metadata, upright; `width` and `height` are those of `image`."""

    image: bytes = field(repr=False)  # long side at most IMAGE_PX
    thumbnail: bytes = field(repr=False)  # long side at most THUMBNAIL_PX
    width: int
    height: int
    blurhash: str
    phash: str  # 16 hex digits


def make(photo: Photo, decoder: Decoder) -> Thumbnails:
    """Decode once, derive everything. Raises InvalidImage, Overloaded, DecoderUnavailable."""
    image = decoder.upright(photo, long_side=IMAGE_PX)
    small = image.copy()
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.LANCZOS)
    tiny = small.copy()
    tiny.thumbnail((_BLURHASH_PX, _BLURHASH_PX), Image.Resampling.BOX)
    return Thumbnails(
        image=_webp(image),
        thumbnail=_webp(small),
        width=image.width,
        height=image.height,
        blurhash=blurhash(np.asarray(tiny)),
        phash=perceptual_hash(image),
    )


def perceptual_hash(image: Image.Image) -> str:
    """64 bits that survive another size, quality or format of the same picture, as hex.

    Each bit says whether one of the 64 slowest waves of the brightness is above their median.
    """
    grid = image.convert("L").resize((_GRID, _GRID), Image.Resampling.LANCZOS)
    waves = (_slow_waves() @ np.asarray(grid, np.float64) @ _slow_waves().T).ravel()
    bits = waves > np.median(waves[1:])  # the first is the mean brightness, far from all others
    return np.packbits(bits).tobytes().hex()


@cache
def _slow_waves() -> Doubles:
    """Rows are the slowest waves of a discrete cosine transform over _GRID samples."""
    return np.cos(np.pi * np.outer(np.arange(_WAVES), 2 * np.arange(_GRID) + 1) / (2 * _GRID))


def blurhash(pixels: Bytes) -> str:
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


def _cosines(count: int, size: int) -> Doubles:
    return np.cos(np.pi * np.outer(np.arange(count), np.arange(size)) / size)


def _linear(pixels: Bytes) -> Doubles:
    unit = pixels / 255
    return np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004 - sRGB's own constants


def _gamma(linear: Doubles) -> Bytes:
    unit = np.clip(linear, 0, 1)
    unit = np.where(unit <= 0.0031308, unit * 12.92, 1.055 * unit ** (1 / 2.4) - 0.055)  # noqa: PLR2004 - sRGB's own constants
    return np.floor(unit * 255 + 0.5).astype(np.uint8)


def _base83(number: int, length: int) -> str:
    return "".join(_DIGITS[number // 83**place % 83] for place in reversed(range(length)))


def _webp(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=_QUALITY, method=_EFFORT)
    return out.getvalue()
