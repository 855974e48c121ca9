"""Headers of strange files agree with the decoder."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from parrot.errors import ParrotError
from parrot.photo import headers, images

if TYPE_CHECKING:
    from pathlib import Path

EXIF_ORIENTATION = 0x0112


@pytest.fixture
def odd_photos(odd: Path) -> list[Path]:
    """All strange files."""
    return sorted(path for path in odd.rglob("*") if path.is_file())


def test_headers_agree_with_the_decoder_on_every_odd_photo(odd_photos: list[Path]) -> None:
    """The header decides what a photo may cost, so it has to be right about real files."""
    compared = 0
    for path in odd_photos:
        data = path.read_bytes()
        try:
            photo = images.read(data)
            with Image.open(io.BytesIO(data)) as image:
                image.load()
                size, turned = image.size, image.getexif().get(EXIF_ORIENTATION, 1) or 1
        except (ParrotError, OSError, SyntaxError):
            continue
        if photo.media_type not in {"image/heic", "image/avif"}:
            compared += 1
            claimed = (photo.header.width, photo.header.height, photo.header.orientation)
            assert claimed == (*size, turned), path.name
    assert compared > 60


def test_a_file_without_its_metadata_has_the_same_pixels(odd_photos: list[Path]) -> None:
    """Only what no pixel depends on is kept from the decoder."""
    for path in odd_photos:
        data = path.read_bytes()
        try:
            photo = images.read(data)
            if photo.header.spans is None:
                continue
            with Image.open(io.BytesIO(data)) as image:
                image.load()
        except (ParrotError, OSError, SyntaxError):
            continue
        with Image.open(io.BytesIO(headers.essential(data, photo.header))) as bare:
            assert (bare.mode, bare.size) == (image.mode, image.size), path.name
            assert bare.tobytes() == image.tobytes(), path.name
            assert not {"exif", "icc_profile", "xmp", "comment"} & set(bare.info)
