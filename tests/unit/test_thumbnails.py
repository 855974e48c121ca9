"""Thumbnails: upright, small, recognisable, and without any metadata."""

import sys
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PIL import Image

from parrot import photo
from parrot.duplicates import bits_apart
from parrot.photo import images, thumbnails
from parrot.photo.decoder import Decoder
from parrot.photo.thumbnails import IMAGE_PX, THUMBNAIL_PX, Thumbnails
from tests.support.photos import SRGB, encoded, held, named, noise, opened
from tests.support.webp import assert_silent_file

EXIF_GPS, EXIF_CAMERA = 0x8825, 0x010F
GPS = {1: "N", 2: (47.0, 22.0, 39.0), 3: "E", 4: (8.0, 32.0, 27.0)}


def make(data: bytes) -> Thumbnails:
    return thumbnails.make(images.read(data), cast("Decoder", images))


def assert_silent(made: Thumbnails) -> None:
    assert_silent_file(made.image)
    assert_silent_file(made.thumbnail)


def test_long_sides_are_limited_and_nothing_is_enlarged() -> None:
    """A clean copy for the screen, a thumbnail for the list."""
    made = make(encoded(noise(3000, 1500)))
    assert (made.width, made.height) == opened(made.image).size == (IMAGE_PX, IMAGE_PX // 2)
    assert opened(made.thumbnail).size == (THUMBNAIL_PX, THUMBNAIL_PX // 2)
    little = make(encoded(noise(60, 40)))
    assert opened(little.image).size == opened(little.thumbnail).size == (60, 40)
    strip = make(encoded(noise(3000, 1)))
    assert opened(strip.image).size == (IMAGE_PX, 1)
    assert opened(strip.thumbnail).size == (THUMBNAIL_PX, 1)


@pytest.mark.parametrize("profile", [None, SRGB])
def test_a_copy_that_is_no_hdr_loads_no_numpy(
    profile: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would take 60 ms and 78 MiB of what a decoder's process may use for the photo."""
    monkeypatch.delattr(photo, "cicp", raising=False)
    monkeypatch.setitem(sys.modules, "parrot.photo.cicp", None)
    data = encoded(noise(), icc_profile=profile)
    assert images.upright(images.read(data), long_side=16).width == 16


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_no_place_camera_or_profile_is_passed_on(kind: str) -> None:
    """People share thumbnails, which must not reveal where they live."""
    exif = Image.Exif()
    exif[EXIF_CAMERA] = "SecretCam"
    exif[EXIF_GPS] = GPS
    data = encoded(noise(), kind, exif=exif, icc_profile=SRGB)
    assert b"SecretCam" in data
    made = make(data)
    assert_silent(made)
    assert b"SecretCam" not in made.image + made.thumbnail


def test_colours_of_a_wide_profile_become_srgb() -> None:
    """Without its profile a Display P3 photo looks pale, so its colours are converted."""
    # The sRGB profile with red and green swapped: its effect cannot be missed.
    swapped = bytearray(SRGB)
    where = {SRGB[at : at + 4]: at for at in range(132, 132 + 12 * SRGB[131], 12)}
    red, green = where[b"rXYZ"] + 4, where[b"gXYZ"] + 4
    swapped[red : red + 8], swapped[green : green + 8] = (
        SRGB[green : green + 8],
        SRGB[red : red + 8],
    )
    image = Image.new("RGB", (64, 64), (200, 30, 30))
    made = make(encoded(image, quality=95, icc_profile=bytes(swapped)))
    r, g, b = np.asarray(opened(made.image).convert("RGB"))[32, 32].astype(int)
    assert abs(r - 30) < 12
    assert abs(g - 200) < 12
    assert abs(b - 30) < 12


@pytest.mark.parametrize("profile", [b"junk", b"", bytes(200)])
def test_a_damaged_profile_does_not_lose_the_photo(profile: bytes) -> None:
    """The colours stay as they are."""
    made = make(encoded(noise(), "PNG", icc_profile=profile))
    assert_silent(made)


def test_the_perceptual_hash_survives_another_size_quality_and_format(photos: Path) -> None:
    """The same picture saved twice, once after a chat app: at most three bits differ."""
    for path in named(photos / "parrots" / "cockatiel", 10):
        original = Image.open(path).convert("RGB")
        hashed = make(path.read_bytes()).phash
        assert len(hashed) == 16
        half = original.resize((original.width // 2, original.height // 2))
        for again in (
            encoded(original, quality=60),
            encoded(half, quality=75),
            encoded(half, "WEBP", quality=60),
            encoded(half, "PNG"),
        ):
            assert bits_apart(hashed, make(again).phash) <= 3


def test_different_photos_have_hashes_far_apart(photos: Path) -> None:
    """Two photos of one species are no duplicates."""
    kinds = [photos / "parrots" / kind for kind in ("galah", "cockatiel", "sun-conure")]
    paths = [path for kind in kinds for path in named(kind, 10)]
    hashes = [make(path.read_bytes()).phash for path in paths]
    distances = [
        bits_apart(phash, other) for at, phash in enumerate(hashes) for other in hashes[:at]
    ]
    assert min(distances) > 10


def test_a_plain_photo_has_hashes_too() -> None:
    """A lens cap is a photo."""
    made = make(encoded(Image.new("RGB", (50, 50))))
    assert len(made.phash) == 16
    assert len(made.blurhash) == 28


def test_copies_and_blurhash_are_of_the_photo_as_a_person_sees_it() -> None:
    """The clean copy has no EXIF left that could say how the phone was held."""
    upright = noise(32, 24)
    made = make(encoded(upright.transpose(Image.Transpose.ROTATE_90), "PNG", exif=held(6)))
    assert made.blurhash == thumbnails.blurhash(np.asarray(upright))
    assert opened(made.image).size == opened(made.thumbnail).size == (32, 24)


def test_the_blurhash_is_that_of_the_reference_implementation() -> None:
    """Computed once with the PyPI package `blurhash` 1.1.5."""
    ramp = np.linspace(0, 255, 24).astype(np.uint8)
    pixels = np.stack(
        [
            np.broadcast_to(ramp, (16, 24)),
            np.broadcast_to(ramp[:16, None], (16, 24)),
            np.broadcast_to(ramp[::-1], (16, 24)),
        ],
        axis=-1,
    )
    assert thumbnails.blurhash(pixels) == "L:HmHh2gw*bKrLWYjuf8f%fQfQfQ"
    assert thumbnails.blurhash(pixels.swapaxes(0, 1)) == "T:HmHhrLf%2gWYfQw*jufQbKf8fQ"
    red = np.full((8, 8, 3), (255, 0, 0), np.uint8)
    assert thumbnails.blurhash(red)[2:6] == "TI:j"  # the mean colour, which these two leave grey
