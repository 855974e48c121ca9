"""Photos become the pixels that models want, whatever the file."""

import numpy as np
import pytest
from PIL import Image, ImageOps
from pillow_heif import register_heif_opener

from parrot.errors import InvalidImage, PhotoTooLarge, UnsupportedMedia
from parrot.model.served_model import Crop, Encoding, InputSpec, Scaling
from parrot.photo import geometry, images
from parrot.records import Raster
from tests.support.photos import encoded, held, noise, opened

SPEC = InputSpec(32, 32)
KINDS = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
    "HEIF": "image/heic",
}


def test_every_supported_type_is_recognised_by_its_bytes_and_decoded() -> None:
    """Phones send wrong names and types; the bytes decide."""
    register_heif_opener()  # only to write a file
    for kind, media_type in KINDS.items():
        photo = images.read(encoded(noise(80, 60), kind))
        raster = images.pixels(photo, SPEC)
        assert photo.media_type == media_type
        assert (raster.width, raster.height) == (80, 60)
        assert raster.pixels.shape == (32, 32, 3)
        assert raster.pixels.dtype == np.uint8


@pytest.mark.parametrize("data", [b"GIF89a....", b"BM......", b"<html>", b"II*\0..", b"x"])
def test_other_types_are_refused_before_anything_is_decoded(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decoder that never sees a file cannot be attacked with it."""
    monkeypatch.setattr(Image, "open", lambda *_: pytest.fail("a decoder saw it"))
    with pytest.raises(UnsupportedMedia):
        images.read(data)


def test_a_photo_over_the_limit_says_its_size_and_the_limit() -> None:
    """The app can then shrink it."""
    with pytest.raises(PhotoTooLarge) as caught:
        images.read(b"\xff\xd8\xff" + bytes(100), max_bytes=50)
    assert (caught.value.size, caught.value.limit) == (103, 50)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_a_photo_that_ends_too_early_is_invalid(kind: str) -> None:
    """A bad network cuts files; half a photo must not be saved as a whole one."""
    data = encoded(noise(200, 200), kind)
    cut = data[: len(data) * 2 // 3]
    for decode in (
        lambda photo: images.pixels(photo, SPEC),
        lambda photo: images.upright(photo, long_side=1024),
        images.measure,
    ):
        with pytest.raises(InvalidImage):
            decode(images.read(cut))


def test_more_pixels_than_allowed_are_refused_from_the_header_alone() -> None:
    """A small file can unpack to gigabytes."""
    photo = images.read(encoded(Image.new("L", (2000, 2000)), "PNG")[:64])
    with pytest.raises(InvalidImage, match="2000 x 2000"):
        images.pixels(photo, SPEC, max_pixels=3_999_999)


def test_exif_orientation_turns_the_photo_upright() -> None:
    """Phones store what the sensor saw and how they were held."""
    for orientation in range(1, 9):
        photo = images.read(encoded(noise(64, 96), "PNG", exif=held(orientation)))
        upright = ImageOps.exif_transpose(opened(photo.data))
        raster = images.pixels(photo, InputSpec(*upright.size, crop=Crop.SQUASH))
        np.testing.assert_array_equal(raster.pixels, upright)
        assert (raster.width, raster.height) == upright.size == images.measure(photo)


def test_damaged_exif_does_not_lose_the_photo() -> None:
    """Editing programs write broken EXIF; the picture is still there."""
    data = encoded(noise(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01")
    assert images.pixels(images.read(data), SPEC).width == 64


def test_transparency_becomes_white() -> None:
    """Drawn birds come on transparent ground; black would be another picture."""
    photo = images.read(encoded(Image.new("RGBA", (40, 40), (255, 0, 0, 0)), "PNG"))
    assert (images.pixels(photo, SPEC).pixels == 255).all()


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    """Pillow's own conversion makes everything above 255 white."""
    deep = np.full((40, 40), 128 * 257, np.uint16)
    photo = images.read(encoded(Image.fromarray(deep), "PNG"))
    assert (images.pixels(photo, SPEC).pixels == 128).all()


def test_the_centre_is_cut_in_the_models_proportions() -> None:
    """A panorama must not be squashed into a square."""
    wide = Image.new("RGB", (300, 100), "black")
    wide.paste("white", (100, 0, 200, 100))
    photo = images.read(encoded(wide, "PNG"))
    assert (images.pixels(photo, SPEC).pixels[:, 2:-2] == 255).all()
    squashed = images.pixels(photo, InputSpec(32, 32, crop=Crop.SQUASH)).pixels
    assert (squashed[:, :8] == 0).all()


def test_a_scaled_decode_gives_nearly_the_pixels_of_a_full_one() -> None:
    """Decoding at reduced scale is an optimisation, not another preprocessing."""
    y, x = np.mgrid[0:800, 0:600] / 30
    smooth = np.stack([np.sin(x), np.cos(y), np.sin(x + y)], axis=2) * 90 + 128
    data = encoded(Image.fromarray(smooth.astype(np.uint8)), "JPEG", quality=95)
    scaled = images.pixels(images.read(data), InputSpec(50, 50)).pixels.astype(int)
    lossless = encoded(opened(data), "PNG")
    full = images.pixels(images.read(lossless), InputSpec(50, 50)).pixels.astype(int)
    assert np.abs(scaled - full).mean() < 2


def test_payloads_are_what_the_encoding_says() -> None:
    """Raw bytes row by row, a JPEG file, or scaled floats."""
    pixels = np.asarray(noise(8, 8))
    raster = Raster(pixels, 8, 8)
    assert images.payload(raster, InputSpec(8, 8)) == pixels.tobytes()
    jpeg = images.payload(raster, InputSpec(8, 8, encoding=Encoding.JPEG))
    assert isinstance(jpeg, bytes)
    assert images.read(jpeg).media_type == "image/jpeg"
    for scaling, low, high in (
        (Scaling.NONE, 0, 255),
        (Scaling.UNIT, 0, 1),
        (Scaling.SYMMETRIC, -1, 1),
        (Scaling.CAFFE, -123.68, 255 - 103.939),
    ):
        black_and_white = np.stack([np.zeros((8, 8), np.uint8), np.full((8, 8), 255, np.uint8)])
        floats = images.payload(
            Raster(np.repeat(black_and_white[..., None], 3, 3), 8, 8),
            InputSpec(8, 8, scaling=scaling, encoding=Encoding.FLOATS),
        )
        assert isinstance(floats, np.ndarray)
        assert floats.min() == pytest.approx(low, abs=1e-4)
        assert floats.max() == pytest.approx(high, abs=1e-4)


def test_a_small_file_cannot_unpack_to_more_than_the_memory() -> None:
    """200 kB of PNG is any number of pixels; 25 million are enough for what no phone writes."""
    data = encoded(Image.new("P", (5001, 5000)), "PNG", compress_level=1)
    with pytest.raises(InvalidImage, match="25,000,000"):
        images.measure(images.read(data))


def test_invisible_colours_do_not_shine_through_when_a_large_photo_is_reduced() -> None:
    """Averaging a bird's edge with what is transparent must not tint it."""
    clear_red = np.zeros((1200, 1200, 4), np.uint8)
    clear_red[..., 0] = 255
    clear_red[:, ::2] = (0, 0, 255, 255)
    photo = images.read(encoded(Image.fromarray(clear_red), "PNG"))
    red, green, blue = images.pixels(photo, SPEC).pixels.reshape(-1, 3).mean(axis=0)
    assert blue > 250
    assert abs(red - green) < 3


@pytest.mark.parametrize("where", ["covering", "cut"])
def test_our_own_bug_is_not_the_photos_fault(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An invalid photo is rejected for good; after a bug is fixed the photo is tried again."""

    def broken(*_arguments: object, **_options: object) -> None:
        raise ValueError("a mistake in our own resampling")

    monkeypatch.setattr(geometry, where, broken)
    with pytest.raises(ValueError, match="our own resampling"):
        images.pixels(images.read(encoded(noise())), SPEC)
