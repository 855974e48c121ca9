"""Photos changed in ways that say nothing about the bird."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

if TYPE_CHECKING:
    from parrot.records import Photo

_TRIES = 20  # until a random cut fits into the photo


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How a photo may be changed before features are extracted; every range is sampled uniformly.

    The shorter side is reduced to at most `short_side` pixels.
    """

    short_side: tuple[float, float]
    quality: tuple[int, int]  # JPEG
    area: tuple[float, float] = (1.0, 1.0)  # share of the photo that a random cut keeps
    aspect: float = 1.0  # a cut's proportions lie in 1/aspect..aspect
    colour: tuple[float, float] = (1.0, 1.0)  # factors of brightness, contrast, saturation
    mirror: bool = False


def augmented(photo: Photo, how: Augmentation, name: str) -> bytes:
    """A JPEG of the photo: cut, perhaps mirrored, recoloured, reduced, recompressed.

    The same photo, augmentation and name give the same bytes.
    """
    rng = np.random.default_rng([*name.encode(), int(photo.sha256[:15], 16)])
    with Image.open(io.BytesIO(photo.data)) as opened:
        image = ImageOps.exif_transpose(opened).convert("RGB")
    image = _cut(image, how, rng)
    if how.mirror and rng.random() < 0.5:  # noqa: PLR2004 - a coin
        image = ImageOps.mirror(image)
    for enhancer in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhancer(image).enhance(rng.uniform(*how.colour))
    scale = rng.uniform(*how.short_side) / min(image.size)
    if scale < 1:
        width, height = (max(1, round(edge * scale)) for edge in image.size)
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=int(rng.integers(how.quality[0], how.quality[1] + 1)))
    return out.getvalue()


def _cut(image: Image.Image, how: Augmentation, rng: np.random.Generator) -> Image.Image:
    """A random part: half the time with the photo's proportions, otherwise with random ones."""
    width, height = image.size
    for _ in range(_TRIES):
        area = rng.uniform(*how.area) * width * height
        aspect = float(np.exp(rng.uniform(-1, 1) * np.log(how.aspect)))
        if how.aspect == 1 or rng.random() < 0.5:  # noqa: PLR2004 - a coin
            aspect *= width / height
        cut_width, cut_height = round((area * aspect) ** 0.5), round((area / aspect) ** 0.5)
        if cut_width <= width and cut_height <= height:
            left = int(rng.integers(0, width - cut_width + 1))
            top = int(rng.integers(0, height - cut_height + 1))
            return image.crop((left, top, left + cut_width, top + cut_height))
    return image
