"""HDR and wide colours, named by code points, look as they should on a screen."""

import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from parrot.model.served_model import InputSpec, Resampling
from parrot.photo import cicp, images
from tests.support import heifs, hostile
from tests.support.photos import encoded

WHITE = {heifs.PQ: 0.5807, heifs.HLG: 0.75}  # where BT.2408 has it


def heic(code: float, transfer: int) -> bytes:
    pixels = np.full((64, 80, 3), round(code * 65535), "<u2")
    return heifs.deep(pixels.tobytes(), (80, 64), transfer=transfer)


def flat(code: float) -> Image.Image:
    return Image.new("RGB", (80, 64), (round(code * 255),) * 3)


def png(code: float, transfer: int) -> bytes:
    return hostile.png_with(encoded(flat(code), "PNG"), b"cICP", bytes((9, transfer, 0, 1)))


def avif(code: float, transfer: int) -> bytes:
    plain = bytearray(encoded(flat(code), "AVIF"))
    struct.pack_into(">HH", plain, plain.index(b"nclx") + 4, 9, transfer)
    return bytes(plain)


@pytest.mark.parametrize("transfer", [heifs.PQ, heifs.HLG])
@pytest.mark.parametrize("make", [heic, png, avif])
def test_white_of_an_hdr_photo_stays_white(
    make: Callable[[float, int], bytes], transfer: int
) -> None:
    """It came as 148 of 255, and a macaw became a cockatoo."""
    photo = images.read(make(WHITE[transfer], transfer))
    assert photo.header.cicp == (9, transfer)
    assert np.asarray(images.upright(photo, long_side=64)).min() >= 243
    for resampling in Resampling:
        raster = images.pixels(photo, InputSpec(32, 32, resampling=resampling)).pixels
        assert 243 <= raster.min() <= raster.max() <= 255


@pytest.mark.parametrize("transfer", [heifs.PQ, heifs.HLG])
def test_what_is_brighter_than_white_differs_from_it_still(transfer: int) -> None:
    """A cockatoo in the sun has feathers."""
    codes = np.linspace(0, 255, 256).astype(np.uint8)
    shown = cicp.to_srgb(np.stack([codes] * 3, -1)[None], (9, transfer))[0, :, 1].astype(int)
    assert (np.diff(shown) >= 0).all()
    assert shown[0] == 0
    assert shown[-1] == 255
    white = round(WHITE[transfer] * 255)
    assert shown[white] < shown[white + 10] <= 255


def test_a_photo_that_names_srgb_keeps_every_pixel() -> None:
    """Almost every encoder names it."""
    for codes in ((1, 13), (1, 1), (2, 2), (5, 6)):
        plain = bytearray(encoded(Image.new("RGB", (80, 64), "olive"), "AVIF"))
        struct.pack_into(">HH", plain, plain.index(b"nclx") + 4, *codes)
        assert images.read(bytes(plain)).header.cicp is None


def test_wide_primaries_become_srgb() -> None:
    """A red that is only just outside of a screen's is shown as its reddest."""
    red = np.full((1, 1, 3), (200, 30, 30), np.uint8)
    for wide in (9, 12):
        mapped = cicp.to_srgb(red, (wide, 13))[0, 0]
        assert mapped[0] >= 200
        assert mapped[1] <= 30
    assert cicp.to_srgb(red, (1, 13)).tolist() == red.tolist()


@pytest.mark.parametrize("transfer", [heifs.PQ, heifs.HLG])
def test_an_hdr_photo_whose_encoder_did_not_say_so_is_recognised(transfer: int) -> None:
    """Ten bits, no colours named, and nothing brighter than the white of HDR."""
    codes = np.linspace(0.08, WHITE[transfer], 64)[:, None, None] * np.ones((64, 80, 3))
    data = heifs.deep((codes * 65535).astype("<u2").tobytes(), (80, 64), transfer=None)
    shown = np.asarray(images.upright(images.read(data), long_side=80))
    assert shown.max() >= 235
    full = (np.linspace(0, 1, 64)[:, None, None] * np.ones((64, 80, 3)) * 65535).astype("<u2")
    ordinary = heifs.deep(full.tobytes(), (80, 64), transfer=None)
    middle = np.asarray(images.upright(images.read(ordinary), long_side=80))[32].mean()
    assert 120 <= middle <= 138
