"""Media types of photos, told by their first bytes: phones send wrong names and types."""

from __future__ import annotations

from parrot.errors import UnsupportedMedia

MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp", "image/heic", "image/avif")

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_KNOWN_BUT_REFUSED = (
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"%PDF", "PDF"),
)


def of(data: bytes) -> str:
    """One of MEDIA_TYPES. Raises UnsupportedMedia."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp":
        # ISO base media: one major brand, then (after a version) the compatible ones.
        end = min(int.from_bytes(data[:4], "big"), 256)
        brands = {data[8:12]} | {data[i : i + 4] for i in range(16, end, 4)}
        if brands & _AVIF_BRANDS:
            return "image/avif"
        if brands & _HEIC_BRANDS:
            return "image/heic"
    for magic, name in _KNOWN_BUT_REFUSED:
        if data.startswith(magic):
            raise UnsupportedMedia(f"{name} is not supported; send one of {', '.join(MEDIA_TYPES)}")
    raise UnsupportedMedia(f"this is not a supported image; send one of {', '.join(MEDIA_TYPES)}")
