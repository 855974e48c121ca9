"""A look inside WebP files."""

from tests.support.photos import opened


def chunks(webp: bytes) -> set[bytes]:
    """Names of the file's parts: EXIF, XMP and ICCP would be parts of their own."""
    names, at = set(), 12
    while at < len(webp):
        names.add(webp[at : at + 4])
        size = int.from_bytes(webp[at + 4 : at + 8], "little")
        at += 8 + size + size % 2
    return names


def assert_silent_file(file: bytes) -> tuple[int, int]:
    """No metadata of any kind, according to Pillow and to the bytes; its width and height."""
    assert chunks(file) <= {b"VP8 ", b"VP8L"}
    for word in (b"Exif", b"EXIF", b"GPSLatitude", b"http://ns.adobe", b"ICC_PROFILE", b"xpacket"):
        assert word not in file
    with opened(file) as image:
        assert not image.getexif()
        assert not {"exif", "icc_profile", "xmp"} & set(image.info)
        return image.size
