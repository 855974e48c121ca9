"""JPEGs whose last marker is missing: read if their picture is whole.

Pillow calls every one of them truncated, or none. libjpeg itself knows: it waits either for more of
the picture, or, once that is complete, for a marker. So it is fed until one of the two shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from typing import BinaryIO

    from PIL.ImageFile import ImageFile

    from parrot.records import Header

# Eight bytes of ones, as the last byte of a picture is filled up: libjpeg wants its bit buffer full
# before it decodes. No code is of ones alone, so they stand for two or three blocks at the most.
_FILL = b"\xff\0" * 8
# One by one, these are skipped where a marker is due, but kept where more of the picture is.
_PROBES = [b"\0"] * 16
_END = b"\xff\xd9"


def load(image: ImageFile, file: BinaryIO, header: Header) -> None:
    """Decode such a picture. Raises OSError if some of it is missing, and what Pillow raises."""
    ((codec, extents, offset, arguments),) = image.tile
    image.load_prepare()
    decoder = Image._getdecoder(image.mode, codec, arguments, image.decoderconfig)  # noqa: SLF001
    decoder.setimage(image.im, extents)
    file.seek(offset)
    rest, error = b"", 0
    for piece in (file.read(), _FILL, *_PROBES, *([_END] if header.buffered else [])):
        consumed, error = decoder.decode(rest + piece)
        if consumed < 0 and error == 0:
            image.tile = []
            return
        rest = (rest + piece)[consumed:]
        if consumed < 0 or (rest and len(piece) == 1):
            break
    raise OSError("the picture is not complete")
