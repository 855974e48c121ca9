"""HEIC and AVIF files are read whole or refused, and cost what their streams say."""

import struct

import pytest
from PIL import Image

from parrot import budget
from parrot.errors import InvalidImage, UnsupportedMedia
from parrot.photo import bitstream, boxes, heif, images
from tests.support import heifs, hostile
from tests.support.photos import encoded, noise

TILED = heifs.tiled(noise(300, 200))
WHOLE = heifs.tiled(noise(64, 64), tile=0)


def test_a_cut_file_of_tiles_is_refused() -> None:
    """The decoder would leave the missing tiles green, also if a single byte is missing."""
    for end in (*(len(TILED) * tenths // 10 for tenths in range(1, 10)), -1):
        with pytest.raises(InvalidImage, match="damaged or incomplete"):
            images.read(TILED[:end])


@pytest.mark.parametrize("orientation", [1, 2, 3, 5, 6, 8])
def test_a_tile_that_cannot_be_decoded_is_noticed_wherever_it_is(orientation: int) -> None:
    """Phones turn their photos, and so the places of the tiles."""
    whole = heifs.tiled(noise(150, 100), orientation=orientation)
    assert sorted(images.measure(images.read(whole))) == [100, 150]
    tiles = heifs.streams(whole)
    assert len(tiles) == 6
    for start, end in tiles:
        file = bytearray(whole)
        file[start:end] = bytes(end - start)
        with pytest.raises(InvalidImage, match="damaged or incomplete"):
            images.measure(images.read(bytes(file)))


@pytest.mark.parametrize("colour", ["white", "black", (0, 136, 0)])
def test_tiles_of_one_colour_are_read(colour: str | tuple[int, int, int]) -> None:
    """They look as if they were missing: a studio's background, or a green wall."""
    image = Image.new("RGB", (300, 200), colour)
    image.paste(noise(60, 60), (100, 100))
    assert images.measure(images.read(heifs.tiled(image))) == (300, 200)


def test_a_grid_costs_every_mention_of_a_tile() -> None:
    """One tile of 512 pixels, named 729 times, took ten seconds."""
    small = heifs.grid(WHOLE, 2, 2, (100, 100))
    assert images.measure(images.read(small)) == (100, 100)
    large = heifs.tiled(Image.new("RGB", (512, 512)), tile=0)
    photo = images.read(heifs.grid(large, 27, 27, (100, 100)))
    assert photo.header.decoded_pixels == 729 * 512 * 512
    with pytest.raises(InvalidImage, match="too long"):
        budget.decoding(photo.header, photo.media_type, len(photo.data))


def test_the_real_size_is_read_behind_any_number_of_others() -> None:
    """Only the sizes of what is decoded count."""
    header = images.read(heifs.grid(WHOLE, 2, 2, (100, 100), [(9, 9)] * 1_500)).header
    assert (header.width, header.height) == (100, 100)
    with pytest.raises(InvalidImage, match="more than 2,000"):
        images.read(heifs.grid(WHOLE, 2, 2, (100, 100), [(9, 9)] * 2_500))


def lists(kind: bytes, count: int) -> bytes:
    """A box of this kind with so many entries of which nothing is known."""
    name, head = (b"infe", bytes(6)) if kind == b"iinf" else (b"dimg", bytes(4))
    return heifs.box(kind, head, count * heifs.box(name, struct.pack(">IIHH", 3 << 24, 1, 1, 0)))


@pytest.mark.parametrize("kind", [b"iinf", b"iref"])
def test_all_lists_of_a_file_share_one_allowance(kind: bytes) -> None:
    """Many lists, each within its limit, took 282 MiB and two seconds."""
    body = bytes(4) + 15 * lists(kind, 1_900)
    with pytest.raises(InvalidImage, match="lists of more than 20,000"):
        boxes.meta(body, 0, len(body))


def test_an_item_has_few_properties_each_of_them_once() -> None:
    """20 kB named two of them 10,000 times each, and took more than a minute."""

    def properties(*places: int) -> bytes:
        count = len(places) // 250
        owned = b"".join(
            struct.pack(">HB", 1, 250) + bytes(places[250 * row : 250 * (row + 1)])
            for row in range(count)
        )
        return bytes(4) + heifs.box(b"iprp", heifs.full(b"ipma", struct.pack(">I", count), owned))

    often = properties(*[1, 2] * 2_500)
    assert boxes.meta(often, 0, len(often)).owned == {1: [0, 1]}
    many = properties(*[1 + number % 100 for number in range(250)])
    with pytest.raises(InvalidImage, match="more than 64 properties"):
        boxes.meta(many, 0, len(many))


def test_an_endless_list_of_parameter_sets_is_refused() -> None:
    """It said 65,535 and had none; each of 2,000 boxes was walked for every mention."""
    with pytest.raises(IndexError):
        bitstream.hevc(bytes(22) + b"\1\x21\xff\xff")


def test_a_stream_larger_than_the_claim_is_refused_before_it_is_decoded() -> None:
    """A decoder allocates what the stream says."""
    with pytest.raises(InvalidImage, match="damaged"):
        images.read(hostile.AVIF_LIAR.read_bytes())
    for kind, data in (("HEIC", heifs.tiled(noise(400, 300), tile=0)), ("AVIF", avif(400, 300))):
        claim = struct.pack(">II", 400, 300)
        assert images.read(data).header.width >= 400, kind
        with pytest.raises(InvalidImage, match="damaged"):
            images.read(data.replace(claim, struct.pack(">II", 64, 64)))


def avif(width: int = 80, height: int = 60) -> bytes:
    return encoded(noise(width, height), "AVIF")


def test_what_is_no_still_picture_is_refused_by_name() -> None:
    """The caller can send another file if the message says which one this is."""
    sequence = heifs.box(b"ftyp", b"msf1", bytes(4), b"hevc") + heifs.box(b"moov", bytes(8))
    with pytest.raises(UnsupportedMedia, match="a sequence of pictures, not a photo"):
        images.read(sequence)


@pytest.mark.parametrize(("flags", "read"), [(0, False), (1, True)])
def test_an_avif_with_two_lists_of_properties_is_read_or_refused_by_name(
    flags: int, *, read: bool
) -> None:
    """The decoder calls two of one kind damaged, which they are not."""
    data = bytearray(avif())
    at = data.index(b"ipma") - 4
    (length,) = struct.unpack_from(">I", data, at)
    second = heifs.full(b"ipma", struct.pack(">I", 0), flags=flags)
    data[at + length : at + length] = second
    for kind in (b"meta", b"iprp"):
        start = data.index(kind) - 4
        (old,) = struct.unpack_from(">I", data, start)
        struct.pack_into(">I", data, start, old + len(second))
    items = heif.still(avif())
    ((_, offset, _),) = items.extents[items.primary]
    place = data.index(struct.pack(">I", offset), data.index(b"iloc"))
    struct.pack_into(">I", data, place, offset + len(second))
    if read:
        assert images.measure(images.read(bytes(data))) == (80, 60)
    else:
        with pytest.raises(UnsupportedMedia, match="two lists of properties"):
            images.read(bytes(data))
