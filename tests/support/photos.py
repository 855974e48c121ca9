"""Where the test photos are, and images made up for tests that need no photo."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image

from parrot.config import MAX_PHOTO_PIXELS
from parrot.photo.decoder import Decoder

_BESIDE = Path(__file__).parents[3] / "shared"
PHOTOS = Path(os.environ.get("PARROT_PHOTOS", _BESIDE / "photos"))
ODD = Path(os.environ.get("PARROT_ODD", _BESIDE / "odd"))


def noise(width: int = 64, height: int = 48, *, seed: int = 0) -> Image.Image:
    """An image in which every pixel differs from its neighbours."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    """The image as a file of Pillow's format `kind`."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def first(folder: Path, count: int = 1) -> list[Path]:
    """The first photos of a folder, in order of name."""
    paths = sorted(folder.glob("*.jpg"))[:count]
    assert len(paths) == count, f"{folder} has too few photos"
    return paths


# Starts a child process only for a HEIC, AVIF or very large photo.
DECODER = Decoder(max_pixels=MAX_PHOTO_PIXELS)
