"""Where the test photos are, and images made up for tests that need no photo."""

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from parrot.config import MAX_PHOTO_PIXELS
from parrot.photo.decoder import Decoder

_BESIDE = Path(__file__).parents[3] / "shared"
PHOTOS = Path(os.environ.get("PARROT_PHOTOS", _BESIDE / "photos"))
ODD = Path(os.environ.get("PARROT_ODD", _BESIDE / "odd"))

_NAMED = {
    "parrots/galah": (
        "1d372d414266 852c443efa32 58113f1a1b9f 77514fabc5eb 7ceba0113352 448fa997821f "
        "991fdfd7eed7 9e89f11d905b a49e5489350e b67419f28ee0"
    ),
    "parrots/sun-conure": (
        "02bd7ba753ec 02f7f625e879 033a10b52af1 07bf381aa5f8 23c915c6c321 246ed94f8ac2 "
        "32ad93b15831 3e87f093f152 3f430b461051 4226a0688e1e"
    ),
    "parrots/cockatiel": (
        "0a656e768f00 0b591db1bbe5 0e2a11a6ccf4 139671a746a0 15b659b71fad 1e1612793af2 "
        "3e3e341a5f9a 415c169380d3 496c7790c427 6b93a40458e9"
    ),
    "parrots/kea": "14ca46351660 35d56b109e51 39b12e751d49",
    "parrots/hyacinth-macaw": "10de3f4e3370 3220f01f3d2d",
    "parrots/eastern-rosella": "0a1375b981fc 1678183e61f2 1697f63ea238 319b5e012dfc ed8c6ecd4650",
    "parrots/scarlet-macaw": "138d839411d0 1a1bece9881b 1c66686d7fbe",
    "parrots/budgerigar": "0179505e22cd 05d70747b475 16c9b390d080",
    "parrots/green-winged-macaw": "266d683c7008",
    "other_birds/golden-eagle": "7fdf435f41cc",
    "negatives/food": (
        "00da5becbd0f 019de85799c4 03eec91650d6 05232ecdac85 18b12a1c8f44 2253234bc929 "
        "22806724219f 393d54094f77 3b6926242f0c 3c4ce58b1665 4786713ff118 491116313619"
    ),
}


def noise(width: int = 64, height: int = 48, *, seed: int = 0) -> Image.Image:
    """An image in which every pixel differs from its neighbours."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    """The image as a file of Pillow's format `kind`."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def held(orientation: int) -> Image.Exif:
    """What a phone writes of how it was held."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def named(folder: Path, count: int = 1) -> list[Path]:
    """Photos of a folder that grows: always the same ones."""
    names = _NAMED[f"{folder.parent.name}/{folder.name}"].split()[:count]
    assert len(names) == count, f"name more photos of {folder.name}"
    return [folder / f"{name}.jpg" for name in names]


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# Starts a child process only for a HEIC, AVIF or very large photo.
DECODER = Decoder(max_pixels=MAX_PHOTO_PIXELS)
