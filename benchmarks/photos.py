"""The photos to measure with: given ones, or made ones as large as real ones.

The service looks again at a photo that leaves it in doubt, which takes more than twice the work. So
there are two kinds: the drawing of a macaw, of which the default bundle is sure after one look, and
the same behind spots of colour. The run asks which photos are looked at twice.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from pillow_heif import from_pillow

from local.samples import MACAW
from parrot.photo import images

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_QUALITY, _HEIC_QUALITY = 90, 50
# From a few large spots to single pixels: each step is twice as fine and this much weaker.
_FADE = 0.62
_COARSEST = 6


@dataclass(frozen=True, slots=True)
class Sample:
    """One photo to measure with."""

    name: str
    width: int
    height: int
    data: bytes = field(repr=False)

    @property
    def media_type(self) -> str:
        """As a phone names it."""
        return images.read(self.data).media_type


def load(paths: Sequence[Path]) -> list[Sample]:
    """Given photos. Raises RequestError for those that the service would refuse, OSError."""
    samples = []
    for path in paths:
        data = path.read_bytes()
        width, height = images.measure(images.read(data))
        samples.append(Sample(path.name, width, height, data))
    return samples


def made() -> list[Sample]:
    """A phone's photo, one that an app reduced before sending it, and a newer phone's photo.

    Then the first two sizes again, of something unclear.
    """
    large, small = _drawn(4032, 3024, grain=6.0), _drawn(1024, 768, grain=4.0)
    newer = _drawn(4032, 3024, grain=1.5)  # HEIC smooths more grain until it leaves doubt
    return [
        Sample("12 megapixels", *large.size, _jpeg(large)),
        Sample("1024 px", *small.size, _jpeg(small)),
        Sample("12 megapixels, HEIC", *newer.size, _heic(newer)),
        Sample("12 megapixels, unclear", *large.size, _jpeg(_hidden(large))),
        Sample("1024 px, unclear", *small.size, _jpeg(_hidden(small))),
    ]


def _jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def _heic(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    from_pillow(picture).save(out, quality=_HEIC_QUALITY)
    return out.getvalue()


def _drawn(width: int, height: int, *, grain: float) -> Image.Image:
    """The drawing that comes with the project."""
    with Image.open(MACAW) as drawing:
        return _grainy(drawing.convert("RGB"), width, height, grain)


def _hidden(picture: Image.Image) -> Image.Image:
    """Half as clear, behind spots of colour."""
    return Image.blend(picture, _spots(*picture.size), 0.5)


def _spots(width: int, height: int) -> Image.Image:
    """Smooth structure at every scale."""
    rng = np.random.default_rng(width)
    half = (width // 2, height // 2)
    canvas = np.full((half[1], half[0], 3), 120, np.float32)
    across, strength = _COARSEST, 60.0
    while across < half[0]:
        shape = (max(1, across * height // width), across, 3)
        spots = Image.fromarray(rng.integers(0, 256, shape, np.uint8))
        fine = np.asarray(spots.resize(half, Image.Resampling.BICUBIC), np.float32)
        canvas += (fine - 127.5) * np.float32(strength / 127.5)
        across, strength = across * 2, strength * _FADE
    smooth = Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))
    return smooth.resize((width, height), Image.Resampling.BICUBIC)


def _grainy(smooth: Image.Image, width: int, height: int, grain: float) -> Image.Image:
    """With a sensor's noise, so that the JPEG is as large as a real one."""
    rng = np.random.default_rng(width)
    picture = np.asarray(smooth.resize((width, height), Image.Resampling.BICUBIC), np.float32)
    picture = picture + rng.standard_normal((height, width, 1), np.float32) * np.float32(grain)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
