"""Files made to exhaust a decoder; each is small and made on the spot, except one.

AVIF_LIAR is one flat colour, written once by Pillow: encoding 144 megapixels takes eight seconds.
"""

import struct
import zlib
from pathlib import Path

from PIL import Image

from tests.support.photos import SRGB, encoded

AVIF_LIAR = Path(__file__).parent / "files" / "says-64-pixels-holds-144-megapixels.avif"


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def with_segments(*segments: bytes) -> bytes:
    """A small JPEG with these segments at its beginning."""
    plain = encoded(Image.new("RGB", (64, 48), "green"))
    return plain[:2] + b"".join(segments) + plain[2:]


def many_scans(scans: int, size: tuple[int, int] = (640, 480)) -> bytes:
    """A progressive JPEG whose last scan is repeated: decoders read every coefficient each time."""
    plain = encoded(Image.new("RGB", size), progressive=True)
    end = plain.rfind(b"\xff\xd9")
    last = plain[plain.rfind(b"\xff\xc4") : end]
    return plain[:end] + last * scans + plain[end:]


def many_rationals(count: int) -> bytes:
    """EXIF whose orientation is a list of fractions, spread over as many segments as it takes."""
    entry = struct.pack("<HHII", 0x0112, 5, count, 26)
    tiff = b"II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4) + b"\1\0\0\0\1\0\0\0" * count
    parts = (tiff[at : at + 65_000] for at in range(0, len(tiff), 65_000))
    return with_segments(*(segment(0xE1, b"Exif\0\0" + part) for part in parts))


def many_segments(count: int) -> bytes:
    return with_segments(segment(0xE5, b"") * count)


def large_webp(edge: int = 5000) -> bytes:
    """38 bytes that decode to `edge` x `edge` pixels of one colour, half transparent."""
    return encoded(
        Image.new("RGBA", (edge, edge), (90, 120, 40, 100)), "WEBP", lossless=True, method=0
    )


def png_with(plain: bytes, kind: bytes, body: bytes) -> bytes:
    """A PNG with one more chunk, right after its header."""
    length, checksum = struct.pack(">I", len(body)), struct.pack(">I", zlib.crc32(kind + body))
    return plain[:33] + length + kind + body + checksum + plain[33:]


def png_with_profile(packed: int) -> bytes:
    """A PNG whose profile unpacks to this many bytes."""
    plain = encoded(Image.new("RGB", (64, 48)), "PNG")
    return png_with(plain, b"iCCP", b"bomb\0\0" + zlib.compress(bytes(packed), 9))


def slow_profile(elements: int = 10_000) -> bytes:
    """An sRGB profile with a `DToB0` of this many elements, which lcms runs for each pixel."""
    (count,) = struct.unpack_from(">I", SRGB, 128)
    curve = struct.pack(">4s4xHHI", b"cvst", 3, 3, 0)
    program = struct.pack(">4s4xHHI", b"mpet", 3, 3, elements)
    program += struct.pack(">II", 0, 0) * elements + curve
    tags = SRGB[132 : 132 + 12 * count]
    moved = b"".join(
        tags[at : at + 4]
        + struct.pack(">I", struct.unpack_from(">I", tags, at + 4)[0] + 12)
        + tags[at + 8 : at + 12]
        for at in range(0, len(tags), 12)
    )
    rest = SRGB[132 + 12 * count :]
    start = 132 + 12 * (count + 1) + len(rest)
    whole = (
        SRGB[:128]
        + struct.pack(">I", count + 1)
        + moved
        + struct.pack(">4sII", b"D2B0", start, len(program))
        + rest
        + program
    )
    return struct.pack(">I", len(whole)) + whole[4:]
