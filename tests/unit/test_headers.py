"""What a file says about itself is read within bounds, and agrees with its decoder."""

import struct
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from parrot.errors import InvalidImage, RequestError, UnsupportedMedia
from parrot.photo import chunks, icc, images
from parrot.records import Header
from tests.support import heifs, hostile
from tests.support.photos import SRGB, encoded, held, noise


def header(data: bytes) -> Header:
    return images.read(data).header


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_orientation_is_read_from_every_format(kind: str) -> None:
    """Phones write it into each of them."""
    assert header(encoded(Image.new("RGB", (8, 6)), kind, exif=held(8))).orientation == 8


@pytest.mark.parametrize(
    ("make", "count"), [(hostile.many_segments, 4_000_000), (hostile.many_scans, 3_000)]
)
def test_more_parts_than_any_camera_writes_are_refused(
    make: Callable[[int], bytes], count: int
) -> None:
    """Each one costs a decoder memory or a pass over the whole picture."""
    data = make(count)
    with pytest.raises(InvalidImage, match=r"over the limit|more than"):
        images.read(data)


@pytest.mark.parametrize(
    ("make", "size"), [(hostile.many_rationals, 500_000), (hostile.png_with_profile, 100_000_000)]
)
def test_metadata_costs_no_more_than_a_glance(make: Callable[[int], bytes], size: int) -> None:
    """A count in the EXIF, or a packed profile, may name any number of bytes."""
    data = make(size)
    tracemalloc.start()
    try:
        images.measure(images.read(data))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * len(data) + 2**20


def test_a_file_is_unpacked_once_however_many_profiles_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each of 49,990 profiles cost an inflation of its own."""
    lengths = []
    monkeypatch.setattr(chunks, "_inflated", lambda packed: lengths.append(len(packed)))
    one = hostile.png_with_profile(100_000_000)
    profile = one[33 : one.index(b"IDAT") - 4]
    images.read(one[:33] + profile * 100 + one[33:])
    assert len(lengths) == 1


def test_a_raw_file_and_xyb_colours_are_refused_by_name() -> None:
    """A browser shows the second; shown without its profile it is green and pink."""
    raw = b"II*\0" + struct.pack("<IHHHII", 8, 1, 0xC612, 1, 4, 0x0401) + bytes(4)
    with pytest.raises(UnsupportedMedia, match=r"a raw file \(DNG\)"):
        images.read(raw)
    icc_profile = bytes(200) + "XYB_Per".encode("utf-16-be")
    xyb = encoded(Image.new("RGB", (64, 48)), icc_profile=icc_profile)
    with pytest.raises(UnsupportedMedia, match="XYB"):
        images.read(xyb)


@cache
def seeds() -> list[bytes]:
    image, tile = Image.new("RGB", (16, 12)), heifs.tiled(noise(), tile=0)
    plain = [encoded(image, kind) for kind in ("JPEG", "PNG", "WEBP", "AVIF")]
    return [*plain, heifs.tiled(noise(300, 200)), heifs.grid(tile, 2, 2, (100, 90))]


@settings(max_examples=500)
@given(st.data())
def test_mutated_files_are_read_or_refused(data: st.DataObject) -> None:
    """Whatever the bytes, nothing but a refusal comes out."""
    file = bytearray(data.draw(st.sampled_from(seeds())))
    head = min(len(file), 1500) - 1  # behind a HEIC's boxes are its pixels
    for _ in range(data.draw(st.integers(1, 8))):
        file[data.draw(st.integers(0, head))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(file)))
    for variant in (bytes(file), bytes(file[:cut])):
        with suppress(RequestError):
            images.read(variant)


def test_a_png_whose_second_header_claims_more_is_refused() -> None:
    """A decoder believes the last one: 110 kB took 130 MiB, and the budget admitted 8."""
    small, large = (encoded(Image.new("RGB", (edge, edge)), "PNG") for edge in (8, 64))
    photo = images.read(small[:33] + large[8:])
    assert (photo.header.width, photo.header.height) == (8, 8)
    with pytest.raises(InvalidImage, match="damaged"):
        images.measure(photo)


def test_only_profiles_of_a_matrix_and_curves_are_honoured() -> None:
    """A program in a profile ran for 47 seconds on a small photo."""
    assert icc.is_simple(SRGB)
    assert not icc.is_simple(hostile.slow_profile())
    assert not icc.is_simple(SRGB[:140])
    assert not icc.is_simple(b"")
