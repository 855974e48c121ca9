"""JPEGs are read wherever libjpeg and browsers read them, and refused where they are cut."""

import io
import random
import struct

import numpy as np
import pytest
from PIL import Image

from parrot.errors import InvalidImage, RequestError
from parrot.photo import headers, images
from parrot.photo.jpeg import MOST_SCANS
from parrot.records import Header
from tests.support import hostile
from tests.support.hostile import segment
from tests.support.photos import encoded

SIZE = (136, 104)
PICTURE = Image.fromarray(np.random.default_rng(1).integers(0, 256, (13, 17, 3), np.uint8)).resize(
    SIZE
)
KINDS = {
    "baseline": encoded(PICTURE),
    "grey": encoded(PICTURE.convert("L")),
    "cmyk": encoded(PICTURE.convert("CMYK")),
    "restarts": encoded(PICTURE, restart_marker_rows=1),
    "progressive": encoded(PICTURE, progressive=True),
    "optimized": encoded(PICTURE, subsampling=0, quality=97, optimize=True),
}
PLAIN = KINDS["baseline"]
SECOND_MARKER = 20  # of Pillow's files, behind JFIF's


def decoded(data: bytes) -> Image.Image:
    return images.upright(images.read(data), long_side=max(SIZE))


def header(data: bytes) -> Header:
    return images.read(data).header


@pytest.mark.parametrize(
    "junk",
    [
        pytest.param(b"\x00\xe1\x00\x12" + bytes(16), id="a segment that begins with 00 E1"),
        pytest.param(b"any words\r\n", id="text"),
        pytest.param(b"\xff\x00\xff\x00", id="stuffed bytes"),
        pytest.param(b"\xff\xd3\xff\x01", id="markers that stand alone"),
        pytest.param(segment(0xE0, b"JFIF\0"), id="JFIF too short"),
        pytest.param(segment(0xEE, b"Adobe"), id="Adobe too short"),
        pytest.param(segment(0xE0, b"JFXX\0\x10" + bytes(40)), id="JFIF's extension"),
    ],
)
def test_what_stands_before_a_marker_is_skipped(junk: bytes) -> None:
    """As libjpeg does, and so every browser and viewer."""
    for at in (2, SECOND_MARKER, PLAIN.find(b"\xff\xda")):
        assert decoded(PLAIN[:at] + junk + PLAIN[at:]) == decoded(PLAIN), at


def test_a_film_behind_the_picture_is_no_part_of_it() -> None:
    """6.5 MB of a motion photo's film hold a hundred pairs that look like scans, by chance."""
    film = random.Random(1).randbytes(4096).replace(b"\xff", b"\xff\xda") + b"\xff\xda" * 300
    for plain in KINDS.values():
        parsed = header(plain + film)
        assert parsed.scans == header(plain).scans
        assert headers.essential(plain + film, parsed) == headers.essential(plain, header(plain))
        assert decoded(plain + film) == decoded(plain)


def test_scans_are_counted_where_a_decoder_meets_them() -> None:
    """An end inside a segment is none, nor is one that is filled up."""
    fake = segment(0xFE, b"\xff\xd9" * 3)
    end = KINDS["progressive"].find(b"\xff\xc4", KINDS["progressive"].find(b"\xff\xda"))
    data = KINDS["progressive"][:end] + fake + b"\xff\xff\x00\xff\xff" + KINDS["progressive"][end:]
    assert header(data).scans == header(KINDS["progressive"]).scans
    assert decoded(data) == decoded(KINDS["progressive"])
    many = hostile.many_scans(MOST_SCANS)
    first = many.find(b"\xff\xc4", many.find(b"\xff\xda"))
    with pytest.raises(InvalidImage, match="more than 100 scans"):
        images.read(many[:first] + fake + many[first:])


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_picture_without_its_last_marker_is_read(kind: str) -> None:
    """Some cameras and downloads lose it; the picture is all there."""
    plain = KINDS[kind]
    for ending in (-2, -1):
        assert decoded(plain[:ending]) == decoded(plain)
        assert images.measure(images.read(plain[:ending])) == SIZE


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_picture_is_refused(kind: str) -> None:
    """Wherever it is cut, but for some bits of the last blocks, in a corner of eight pixels.

    Between two scans no compressed data is missing: the scans themselves tell.
    """
    plain = KINDS[kind]
    for cut in (*random.Random(2).sample(range(len(plain) - 24), 80), *_scans(plain)):
        with pytest.raises(RequestError):
            images.measure(images.read(plain[:cut]))


def test_restarts_in_a_progressive_picture_hide_its_end() -> None:
    """Where a restart may follow, the decoder cannot tell a whole picture from a cut one."""
    plain = encoded(PICTURE, progressive=True, restart_marker_blocks=3)
    assert images.measure(images.read(plain)) == SIZE
    with pytest.raises(InvalidImage):
        images.measure(images.read(plain[:-2]))


def test_whatever_pillow_reads_is_read() -> None:
    """300 headers with junk, short lengths and changed bytes."""
    read = 0
    for seed in range(300):
        data = _mutated(random.Random(seed))
        try:
            with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
                image.load()
                wanted = image.convert("RGB")
        except Exception:  # noqa: BLE001, S112 - Pillow raises almost anything
            continue
        if wanted.size != SIZE or "icc_profile" in image.info:
            continue
        assert np.array_equal(np.asarray(decoded(data)), np.asarray(wanted)), seed
        read += 1
    assert read > 100


def _scans(data: bytes) -> list[int]:
    """Where the marker of each scan's tables begins."""
    first = data.find(b"\xff\xda")
    return [at for at in range(first, len(data)) if data[at : at + 2] == b"\xff\xc4"]


def _mutated(dice: random.Random) -> bytes:
    """A real header in which cameras, editors and disks did what they do."""
    data = bytearray(KINDS[dice.choice(list(KINDS))])
    scan = data.find(b"\xff\xda")
    markers, at = [], 2
    while at < scan:
        markers.append(at)
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    for at in sorted(dice.sample(markers, min(2, len(markers))), reverse=True):
        change = dice.randrange(6)
        if change == 0:
            data[at:at] = bytes(dice.randrange(1, 9))
        elif change == 1:
            data[at:at] = b"\xff" * dice.randrange(1, 2000)
        elif change == 2:
            data[at:at] = segment(dice.choice([0xE1, 0xE2, 0xED, 0xFE]), dice.randbytes(20))
        elif change == 3:
            data[at:at] = b"\xff\xfe" + bytes([0, dice.randrange(9)]) + b"words of a comment"
        elif change == 4:
            data[at:at] = dice.randbytes(dice.randrange(1, 6))
        else:
            data[at + dice.randrange(2, 8)] = dice.randrange(256)
    return bytes(data)
