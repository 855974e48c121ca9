"""Photos made different in ways that say nothing about the bird.

Every group of photos is brought to the same spread of sharpness and compression: in many
collections the birds that are no parrots are small crops, and a model would learn just that.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

if TYPE_CHECKING:
    from parrot.records import Photo

_SHORT_SIDE = (120, 225)  # pixels left of the shorter side
_QUALITY = (50, 96)  # JPEG
_CUT = (0.7, 1.0)  # share of each edge that a random cut keeps
_COLOUR = (0.8, 1.2)


def augmented(photo: Photo, variant: int) -> bytes:
    """A JPEG of the photo: cut, perhaps mirrored, recoloured, reduced, recompressed.

    The same photo and variant give the same bytes.
    """
    rng = np.random.default_rng([variant, int(photo.sha256[:15], 16)])
    with Image.open(io.BytesIO(photo.data)) as opened:
        image = ImageOps.exif_transpose(opened).convert("RGB")
    image = _cut(image, rng)
    if rng.random() < 0.5:  # noqa: PLR2004 - a coin
        image = ImageOps.mirror(image)
    for enhancer in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhancer(image).enhance(rng.uniform(*_COLOUR))
    scale = rng.uniform(*_SHORT_SIDE) / min(image.size)
    if scale < 1:
        width, height = (max(1, round(edge * scale)) for edge in image.size)
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=int(rng.integers(*_QUALITY)))
    return out.getvalue()


def _cut(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    keep = rng.uniform(*_CUT)
    width, height = (max(1, round(edge * keep)) for edge in image.size)
    left, top = (
        int(rng.integers(0, edge - kept + 1))
        for edge, kept in zip(image.size, (width, height), strict=True)
    )
    return image.crop((left, top, left + width, top + height))
