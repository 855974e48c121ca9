"""Turns bytes into a checked Photo, and a Photo into the pixels a model takes. Only this decodes.

Training, evaluation and serving call the same `pixels`: a model that is served with other pixels
than it was fitted on gives other answers. NumPy is imported where it is used: a save only reads and
measures a photo, and starts 60 ms sooner without it.
"""

from __future__ import annotations

import hashlib
import io
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from PIL import Image

from parrot.config import MAX_PHOTO_BYTES, MAX_PHOTO_PIXELS
from parrot.errors import InvalidImage, PhotoTooLarge
from parrot.model.served_model import Crop, Encoding, Resampling
from parrot.photo import geometry, headers, icc, unended
from parrot.photo.metadata import UNNAMED, damaged
from parrot.photo.rgb import opaque
from parrot.records import MEDIA_TYPES, Photo, Raster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from parrot.model.served_model import InputSpec
    from parrot.photo.geometry import Box
    from parrot.records import Floats

    # From the full size and the orientation to the size that suffices; only JPEG heeds it.
    _Needed = Callable[[tuple[int, int], int], tuple[int, int]]

# Of formats that must be decoded whole: 200 kB of PNG can unpack to any size, and phones write 48
# megapixels as JPEG or HEIC only, so more than this is probably hostile.
_MAX_WHOLE_PIXELS = 25_000_000
_WHOLE = frozenset({"image/png", "image/webp", "image/avif"})
_BOXED = frozenset({"image/heic", "image/avif"})

# By media type. JPEG includes MPO, which some cameras write: Pillow recognises it.
_PILLOW_FORMATS = dict(zip(MEDIA_TYPES, ("JPEG", "PNG", "WEBP", "HEIF", "AVIF"), strict=True))
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_MEASURE_PX = 64


def read(data: bytes, *, max_bytes: int = MAX_PHOTO_BYTES) -> Photo:
    """Check size, type and header without decoding anything.

    Raises InvalidImage (400 for no bytes, 422 for a damaged header), PhotoTooLarge,
    UnsupportedMedia.
    """
    if not data:
        raise InvalidImage("the photo is empty", status=400)
    if len(data) > max_bytes:
        raise PhotoTooLarge(size=len(data), limit=max_bytes)
    media_type, header = headers.read(data)
    return Photo(data, media_type, hashlib.sha256(data).hexdigest(), header)


def pixels(photo: Photo, spec: InputSpec, *, max_pixels: int = MAX_PHOTO_PIXELS) -> Raster:
    """Decode, turn upright, cut and resample to (spec.height, spec.width, 3) RGB.

    A JPEG is decoded at the smallest scale that still covers the model's input, except for
    TF_BILINEAR, which without antialiasing depends on every pixel.
    Raises InvalidImage (422).
    """
    (raster,) = _rasters(photo, spec, (None,), max_pixels)
    return raster


def parts(
    photo: Photo, spec: InputSpec, boxes: Sequence[Box], *, max_pixels: int = MAX_PHOTO_PIXELS
) -> list[Raster]:
    """The same of parts of the upright photo, each in place of the model's own cut.

    Raises InvalidImage (422).
    """
    groups = by_decoding(photo, boxes)
    return [raster for group in groups for raster in _rasters(photo, spec, group, max_pixels)]


def by_decoding(photo: Photo, boxes: Sequence[Box]) -> list[Sequence[Box]]:
    """Groups of parts that share a decoding: a JPEG's parts do not, each needs its own scale."""
    return [[box] for box in boxes] if photo.media_type == "image/jpeg" else [boxes]


def _rasters(
    photo: Photo, spec: InputSpec, boxes: Sequence[Box | None], max_pixels: int
) -> list[Raster]:
    """Parts of a photo that is decoded once, at the scale that the first of them needs.

    None is the model's own cut.
    """
    decoded = _decode(photo, lambda size, turn: _needed(size, turn, spec, boxes[0]), max_pixels)
    return [_raster(decoded, spec, box) for box in boxes]


def _raster(decoded: _Decoded, spec: InputSpec, part: Box | None) -> Raster:
    import numpy as np

    target = _turned((spec.width, spec.height), decoded.orientation)
    rgb = opaque(decoded.image, lambda: _needed(decoded.size, decoded.orientation, spec, part))
    if part is not None:
        box = part.in_file(decoded.orientation).pixels(rgb.size)
    else:
        box = (0, 0, *rgb.size) if spec.crop is Crop.SQUASH else geometry.cut(rgb.size, target)
    if spec.resampling is Resampling.ANTIALIAS:
        cut = rgb.resize(target, Image.Resampling.BILINEAR, box=box, reducing_gap=3.0)
        array = np.asarray(_upright(cut, decoded.orientation))
    else:
        from parrot.photo import resampling

        whole = np.asarray(_upright(rgb.crop(geometry.whole_pixels(box)), decoded.orientation))
        array = resampling.tf_bilinear(whole, spec.height, spec.width)
    if decoded.cicp:
        from parrot.photo import cicp

        array = cicp.to_srgb(array, decoded.cicp)
    return Raster(array, *decoded.upright_size)


def _needed(
    size: tuple[int, int], orientation: int, spec: InputSpec, part: Box | None
) -> tuple[int, int]:
    """The smallest size of the whole photo that still covers the model's input."""
    if spec.resampling is not Resampling.ANTIALIAS:
        return size
    target = _turned((spec.width, spec.height), orientation)
    if part is not None:
        return part.in_file(orientation).covering(target)
    return target if spec.crop is Crop.SQUASH else geometry.covering(size, target)


def measure(photo: Photo, *, max_pixels: int = MAX_PHOTO_PIXELS) -> tuple[int, int]:
    """Width and height of the upright photo, after decoding it to its end.

    Raises InvalidImage (422), even if only the last byte is missing.
    """
    return _decode(photo, lambda _size, _turn: (_MEASURE_PX, _MEASURE_PX), max_pixels).upright_size


def upright(photo: Photo, *, long_side: int, max_pixels: int = MAX_PHOTO_PIXELS) -> Image.Image:
    """The whole photo as a person sees it: upright, sRGB, its long side at most `long_side`.

    None of the file's metadata is kept. Raises InvalidImage (422).
    """

    def needed(size: tuple[int, int], _orientation: int) -> tuple[int, int]:
        scale = min(1.0, long_side / max(size))
        return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))

    decoded = _decode(photo, needed, max_pixels)
    size = needed(decoded.size, decoded.orientation)
    whole = opaque(decoded.image, lambda: size)
    small = whole.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    if decoded.cicp:
        import numpy as np

        from parrot.photo import cicp

        small = Image.fromarray(cicp.to_srgb(np.asarray(small), decoded.cicp))
    elif decoded.icc and decoded.image.mode in {"RGB", "RGBA", "P"}:
        small = icc.to_srgb(small, decoded.icc)
    small = _upright(small, decoded.orientation)
    small.info = {}
    return small


def check_size(width: int, height: int, media_type: str, max_pixels: int) -> None:
    """Refuse a photo of more pixels than its type may have. Raises InvalidImage (422)."""
    limit = min(max_pixels, _MAX_WHOLE_PIXELS) if media_type in _WHOLE else max_pixels
    if width * height > limit:
        raise InvalidImage(f"{width} x {height} is over the limit of {limit:,} pixels")


def payload(raster: Raster, spec: InputSpec) -> bytes | Floats:
    """What to send for one photo: bytes for RAW and JPEG, float32 (height, width, 3) for FLOATS."""
    import numpy as np

    from parrot.photo import resampling

    if spec.encoding is Encoding.FLOATS:
        return resampling.scaled(raster.pixels, spec.scaling)
    whole = raster.pixels
    if whole.dtype != np.uint8:  # fractions, from resampling as TensorFlow does
        whole = np.rint(whole).astype(np.uint8)
    if spec.encoding is Encoding.RAW:
        return whole.tobytes()
    out = io.BytesIO()
    Image.fromarray(whole).save(out, "JPEG", quality=95, subsampling=0)
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class _Decoded:
    """Pixels as stored, at full or reduced size; `size` is always the full one."""

    image: Image.Image
    size: tuple[int, int]
    orientation: int
    icc: bytes | None
    cicp: tuple[int, int] | None

    @property
    def upright_size(self) -> tuple[int, int]:
        return _turned(self.size, self.orientation)


def _decode(photo: Photo, needed: _Needed, max_pixels: int) -> _Decoded:
    """Let Pillow decode to the end; `needed` says what size suffices. Raises InvalidImage."""
    if photo.media_type == "image/heic":
        _register_heif()
    header = photo.header
    check_size(header.width, header.height, photo.media_type, max_pixels)
    file = io.BytesIO(headers.essential(photo.data, header))
    with _decoding(photo):
        image = Image.open(file, formats=(_PILLOW_FORMATS[photo.media_type],))
    with image:
        size = image.size
        if size[0] * size[1] > header.width * header.height:
            raise damaged(photo.media_type)  # more than was claimed, and its cost estimated from
        sufficient = needed(size, header.orientation)
        with _decoding(photo):
            image.draft("RGB", sufficient)
            if header.unended:
                unended.load(image, file, header)
            else:
                image.load()
            exif, profile = image.info.get("exif") or b"", image.info.get("icc_profile")
    if photo.media_type not in _BOXED:
        return _Decoded(image, size, header.orientation, header.icc, header.cicp)
    if image.width * image.height > header.width * header.height:
        raise damaged(photo.media_type)  # more than was claimed
    if photo.media_type == "image/heic":
        _require_tiles(photo, image)
    colours = header.cicp
    if colours == UNNAMED:
        from parrot.photo import cicp

        colours = cicp.guess(image)
    # The decoder knows orientation and profile better than the header that was read.
    return _Decoded(image, image.size, geometry.orientation(exif), profile, colours)


def _require_tiles(photo: Photo, image: Image.Image) -> None:
    """Raises InvalidImage where a tile of a HEIC could not be decoded."""
    from parrot.photo import tiles

    with _decoding(photo):
        for alone in tiles.doubtful(photo.data, image):
            with Image.open(io.BytesIO(alone), formats=("HEIF",)) as tile:
                tile.load()


@contextmanager
def _decoding(photo: Photo) -> Iterator[None]:
    """Whatever a decoder raises on a damaged or hostile file becomes InvalidImage.

    Only calls into Pillow's decoders belong in here. Our own bugs and a lack of memory are
    not the photo's fault: they must stay retryable errors.
    """
    try:
        yield
    except (MemoryError, ImportError):  # the latter: a plugin that is not installed
        raise
    except Exception as error:  # Pillow's plugins raise almost anything on damaged files
        if "out of memory" in str(error).lower():  # a C library could not allocate
            raise MemoryError(str(error)) from error
        raise damaged(photo.media_type) from error


@cache
def _register_heif() -> None:
    """Registered late: most photos are JPEG, and the import would add 50 ms to a cold start."""
    from pillow_heif import register_heif_opener

    register_heif_opener(thumbnails=False)


def _turned(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    return (size[1], size[0]) if orientation in geometry.SIDEWAYS else size


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(_TRANSPOSE[orientation]) if orientation in _TRANSPOSE else image
