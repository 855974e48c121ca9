"""HEIC and AVIF files, built box by box from what an encoder wrote."""

import io
import struct
from collections.abc import Sequence

import pillow_heif
from PIL import Image

from parrot.photo import heif
from tests.support.photos import held

PQ, HLG = 16, 18


def tiled(image: Image.Image, tile: int = 64, orientation: int = 1) -> bytes:
    """A HEIC of tiles, as phones write it; `orientation` is EXIF's."""
    out, exif = io.BytesIO(), held(orientation).tobytes()
    pillow_heif.from_pillow(image).save(out, tile_size=tile, quality=60, exif=exif)
    return out.getvalue()


def deep(pixels: bytes, size: tuple[int, int], *, transfer: int | None) -> bytes:
    """A HEIC of 10 bits from 16-bit RGB, which names BT.2020's colours, or none at all."""
    out = io.BytesIO()
    colours = {
        "color_primaries": 9,
        "transfer_characteristics": transfer,
        "matrix_coefficients": 9,
        "full_range_flag": 1,
    }
    options = colours if transfer else {"save_nclx_profile": False}
    pillow_heif.from_bytes("RGB;16", size, pixels).save(out, quality=90, **options)
    return out.getvalue()


def streams(data: bytes) -> list[tuple[int, int]]:
    """Where the stream of each tile is."""
    items = heif.still(data)
    return [
        next(heif.stream(data, items, tile)) for tile in dict.fromkeys(heif.decoded(data, items))
    ]


def box(kind: bytes, *bodies: bytes) -> bytes:
    body = b"".join(bodies)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def full(kind: bytes, *bodies: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *bodies)


def grid(
    tile: bytes,
    columns: int,
    rows: int,
    size: tuple[int, int],
    sizes: Sequence[tuple[int, int]] = (),
) -> bytes:
    """A grid that names the picture of another HEIC for each of its tiles.

    `sizes`: claimed by properties of nothing, before all others.
    """
    items = heif.still(tile)
    (configuration,) = items.of(items.primary, b"hvcC")
    (edge,) = items.of(items.primary, b"ispe")
    (stream,) = streams(tile)
    spec = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, *size)
    decoys = [full(b"ispe", struct.pack(">II", *decoy)) for decoy in sizes]
    properties = [
        *decoys,
        full(b"ispe", struct.pack(">II", *size)),
        box(b"ispe", tile[slice(*edge)]),
        box(b"hvcC", tile[slice(*configuration)]),
    ]
    first = len(decoys) + 1
    owned = struct.pack(">IHBH", 2, 1, 1, first) + struct.pack(">HBHH", 2, 2, first + 1, first + 2)

    def meta(at: int) -> bytes:
        return full(
            b"meta",
            full(b"hdlr", bytes(4), b"pict", bytes(13)),
            full(b"pitm", struct.pack(">H", 1)),
            full(
                b"iloc",
                struct.pack(">HH", 0x4400, 2),
                struct.pack(">HHHII", 1, 0, 1, at, len(spec)),
                struct.pack(">HHHII", 2, 0, 1, at + len(spec), stream[1] - stream[0]),
            ),
            full(
                b"iinf",
                struct.pack(">H", 2),
                full(b"infe", struct.pack(">HH4sB", 1, 0, b"grid", 0), version=2),
                full(b"infe", struct.pack(">HH4sB", 2, 0, b"hvc1", 0), version=2, flags=1),
            ),
            full(
                b"iref",
                box(
                    b"dimg",
                    struct.pack(">HH", 1, columns * rows),
                    struct.pack(">H", 2) * columns * rows,
                ),
            ),
            box(b"iprp", box(b"ipco", *properties), full(b"ipma", owned, flags=1)),
        )

    start = box(b"ftyp", b"heic", bytes(4), b"mif1heic")
    body = spec + tile[slice(*stream)]
    return start + meta(len(start) + len(meta(0)) + 8) + box(b"mdat", body)
