"""The photos to measure with: given ones, or made ones as large as real ones.

The service looks again at a photo that leaves it in doubt, which takes more than twice the work. So
there are two kinds: the drawing of a macaw, of which the default bundle is sure after one look, and
the same behind spots of colour. The run asks which photos are looked at twice.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import numpy as np
from PIL import Image
from pillow_heif import from_pillow

from local.samples import MACAW
from parrot.photo import images

_BICUBIC = Image.Resampling.BICUBIC


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """One photo to measure with."""

    name: str
    data: bytes = field(repr=False)
    media_type: str  # as a phone names it
    width: int
    height: int
    looks: int = 1  # 2 where the first one leaves the service in doubt

    @classmethod
    def of(cls, name: str, data: bytes) -> PhotoFile:
        """Raises RequestError for a photo that the service would refuse."""
        photo = images.read(data)
        return cls(name, data, photo.media_type, *images.measure(photo))

    @property
    def is_jpeg(self) -> bool:
        """Which everybody reads."""
        return self.media_type == "image/jpeg"


def made() -> list[PhotoFile]:
    """A phone's photo, one that an app reduced, a newer phone's; the first two again, unclear."""
    large, small = _drawn(4032, 3024, grain=6.0), _drawn(1024, 768, grain=2.0)
    newer = _drawn(4032, 3024, grain=3.0)  # with less of it HEIC leaves doubt
    return [
        PhotoFile.of("12 megapixels", _jpeg(large)),
        PhotoFile.of("1024 px", _jpeg(small)),
        PhotoFile.of("12 megapixels, HEIC", _heic(newer)),
        PhotoFile.of("12 megapixels, unclear", _jpeg(_hidden(large))),
        PhotoFile.of("1024 px, unclear", _jpeg(_hidden(small))),
    ]


def _jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()


def _heic(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    from_pillow(picture).save(out, quality=50)
    return out.getvalue()


def _drawn(width: int, height: int, *, grain: float) -> Image.Image:
    """The drawing with a sensor's noise, so that the JPEG is as large as a real one."""
    with Image.open(MACAW) as drawing:
        smooth = drawing.convert("RGB").resize((width, height), _BICUBIC)
    noise = np.random.default_rng(width).standard_normal((height, width, 1), np.float32)
    picture = np.asarray(smooth, np.float32) + noise * np.float32(grain)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def _hidden(picture: Image.Image) -> Image.Image:
    """Half as clear, behind large spots of colour."""
    colours = np.random.default_rng(picture.width).integers(0, 256, (4, 6, 3), np.uint8)
    spots = Image.fromarray(colours).resize(picture.size, _BICUBIC)
    return Image.blend(picture, spots, 0.5)
