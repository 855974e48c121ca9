"""What may be shown of a stored photo: a clean copy, a thumbnail, and two short hashes."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import Image

from parrot.duplicates import perceptual_hash
from parrot.photo import blurhash

if TYPE_CHECKING:
    from parrot.records import Photo

IMAGE_PX = 1024
THUMBNAIL_PX = 256
_BLURHASH_PX = 32
_QUALITY = 80
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


class Turns(Protocol):
    """Decodes photos upright, within a budget."""

    def upright(self, photo: Photo, *, long_side: int) -> Image.Image:
        """The whole photo as a person sees it. Raises InvalidImage and what may be retried."""


def make(photo: Photo, decoder: Turns) -> Thumbnails:
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
        blurhash=blurhash.encode(np.asarray(tiny)),
        phash=perceptual_hash(image),
    )


def _webp(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=_QUALITY, method=_EFFORT)
    return out.getvalue()
