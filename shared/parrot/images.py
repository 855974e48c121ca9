"""Bytes to a checked Photo to the pixels that a model wants. Nothing else decodes a photo.

Training, evaluation and serving call the same `pixels`: a model that is served with other pixels
than it was fitted on gives other answers. NumPy is imported where it is used: a save only reads and
measures a photo, and starts 60 ms sooner without it.
"""

from __future__ import annotations

import hashlib
import io
import threading
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import TYPE_CHECKING

from PIL import Image

from parrot.errors import InvalidImage, PhotoTooLarge, UnsupportedMedia
from parrot.limits import MAX_PHOTO_BYTES, MAX_PHOTO_PIXELS
from parrot.model.inputs import Encoding, Resampling, Scaling
from parrot.records import Photo, Raster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parrot.model.inputs import InputSpec
    from parrot.records import Bytes, Floats

# For formats that must be decoded whole: 200 kB of PNG can unpack to any size, and phones write 48
# megapixels as JPEG or HEIC only, so more than this is probably hostile.
_MAX_WHOLE_PIXELS = 25_000_000
_WHOLE = frozenset({"image/png", "image/webp", "image/avif"})
# Photos over this size are decoded one at a time, so that a few at once do not use up the memory.
_LARGE_PIXELS = 16_000_000
_ONE_LARGE = threading.Semaphore(1)
MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp", "image/heic", "image/avif")

_PILLOW_FORMATS = {
    "image/jpeg": ("JPEG",),  # including MPO, which some cameras write: Pillow recognises it
    "image/png": ("PNG",),
    "image/webp": ("WEBP",),
    "image/heic": ("HEIF",),
    "image/avif": ("AVIF",),
}
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_KNOWN_BUT_REFUSED = (
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"%PDF", "PDF"),
)
_EXIF_ORIENTATION = 0x0112
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = frozenset({5, 6, 7, 8})
# Keras' "caffe" preprocessing: the ImageNet mean in BGR order.
_CAFFE_MEAN = (103.939, 116.779, 123.68)
_MEASURE_PX = 64
# What Pillow says, in other errors than MemoryError, if a C library could not allocate.
_OUT_OF_MEMORY = "out of memory"
_JPEG_QUALITY = 95


def read(data: bytes, *, max_bytes: int = MAX_PHOTO_BYTES) -> Photo:
    """Check size and type without decoding anything.

    Raises InvalidImage (400) if there are no bytes, PhotoTooLarge, UnsupportedMedia.
    """
    if not data:
        raise InvalidImage("the photo is empty", status=400)
    if len(data) > max_bytes:
        raise PhotoTooLarge(size=len(data), limit=max_bytes)
    return Photo(data, _media_type(data), hashlib.sha256(data).hexdigest())


def pixels(photo: Photo, spec: InputSpec, *, max_pixels: int = MAX_PHOTO_PIXELS) -> Raster:
    """Decode, turn upright, cut and resample to (spec.height, spec.width, 3) RGB.

    A JPEG is decoded at the smallest scale that still covers the model's input, except for
    TF_BILINEAR, which without antialiasing depends on every pixel.
    Raises InvalidImage (422).
    """
    import numpy as np

    from parrot import resampling

    with _opened(photo, max_pixels) as image:
        orientation = _orientation(image)
        width, height = image.size
        sideways = orientation in _SIDEWAYS
        target = (spec.height, spec.width) if sideways else (spec.width, spec.height)
        needed = image.size  # without antialiasing every pixel counts
        if spec.resampling is Resampling.ANTIALIAS:
            needed = resampling.covering(image.size, target, spec.crop)
        _decode(image, photo, needed)
        rgb = _rgb(image, needed)
        box = resampling.box(rgb.size, target, spec.crop)
        if spec.resampling is Resampling.ANTIALIAS:
            small = rgb.resize(target, Image.Resampling.BILINEAR, box=box, reducing_gap=3.0)
            array = np.asarray(_upright(small, orientation))
        else:
            whole = np.asarray(_upright(rgb.crop(resampling.whole_pixels(box)), orientation))
            array = resampling.tf_bilinear(whole, spec.height, spec.width)
    return Raster(array, *((height, width) if sideways else (width, height)))


def measure(photo: Photo, *, max_pixels: int = MAX_PHOTO_PIXELS) -> tuple[int, int]:
    """Width and height of the upright photo, after decoding it to its end.

    Raises InvalidImage (422), even if only the last byte is missing.
    """
    with _opened(photo, max_pixels) as image:
        width, height = image.size
        _decode(image, photo, (_MEASURE_PX, _MEASURE_PX))
        sideways = _orientation(image) in _SIDEWAYS
    return (height, width) if sideways else (width, height)


def upright(photo: Photo, *, long_side: int, max_pixels: int = MAX_PHOTO_PIXELS) -> Image.Image:
    """The whole photo as a person sees it: upright, sRGB, its long side at most `long_side`.

    None of the file's metadata is kept. Raises InvalidImage (422).
    """
    with _opened(photo, max_pixels) as image:
        orientation = _orientation(image)
        scale = min(1.0, long_side / max(image.size))
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        profile = image.info.get("icc_profile") if image.mode in {"RGB", "RGBA", "P"} else None
        _decode(image, photo, size)
        small = _rgb(image, size).resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        small = _upright(_srgb(small, profile) if profile else small, orientation)
    small.info = {}
    return small


def payload(raster: Raster, spec: InputSpec) -> bytes | Floats:
    """What to send for one photo: bytes for RAW and JPEG, float32 (height, width, 3) for FLOATS."""
    import numpy as np

    if spec.encoding is Encoding.FLOATS:
        return _scaled(raster.pixels, spec.scaling)
    whole = raster.pixels
    if whole.dtype != np.uint8:  # fractions, from resampling as TensorFlow does
        whole = np.rint(whole).astype(np.uint8)
    if spec.encoding is Encoding.RAW:
        return whole.tobytes()
    out = io.BytesIO()
    Image.fromarray(whole).save(out, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return out.getvalue()


def _media_type(data: bytes) -> str:
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


@contextmanager
def _opened(photo: Photo, max_pixels: int) -> Iterator[Image.Image]:
    """The photo, a JPEG not decoded yet; large photos one at a time. Raises InvalidImage."""
    if photo.media_type == "image/heic":
        _register_heif()
    with _decoding(photo):
        image = Image.open(io.BytesIO(photo.data), formats=_PILLOW_FORMATS[photo.media_type])
    with image:
        limit = min(max_pixels, _MAX_WHOLE_PIXELS) if photo.media_type in _WHOLE else max_pixels
        pixels_in_all = _check_size(*image.size, limit)
        with _ONE_LARGE if pixels_in_all > _LARGE_PIXELS else nullcontext():
            if photo.media_type != "image/jpeg":
                # Only JPEG decodes at a reduced scale, so only there may this wait. Pillow's PNG
                # reader would otherwise decode while it looks for EXIF, where errors are ignored.
                _decode(image, photo, image.size)
            yield image


def _decode(image: Image.Image, photo: Photo, needed: tuple[int, int]) -> None:
    """Decode the whole file; a JPEG at the smallest scale that still covers `needed`."""
    with _decoding(photo):
        image.draft("RGB", needed)
        image.load()


@contextmanager
def _decoding(photo: Photo) -> Iterator[None]:
    """Whatever a decoder raises on a damaged or hostile file becomes InvalidImage.

    Only calls into Pillow's decoders belong in here. A mistake of our own or a lack of memory is
    not the photo's fault: those must stay errors that are worth a retry.
    """
    try:
        yield
    except (MemoryError, ImportError):  # the latter: a plugin that is not installed
        raise
    except Exception as error:  # Pillow's plugins raise almost anything on damaged files
        if _OUT_OF_MEMORY in str(error).lower():
            raise MemoryError(str(error)) from error
        raise InvalidImage(f"the {photo.media_type} is damaged or incomplete") from error


def _check_size(width: int, height: int, max_pixels: int) -> int:
    if width * height > max_pixels:
        raise InvalidImage(f"{width} x {height} is over the limit of {max_pixels:,} pixels")
    return width * height


@cache
def _register_heif() -> None:
    """Registered late: most photos are JPEG, and the import would add 50 ms to a cold start."""
    from pillow_heif import register_heif_opener

    register_heif_opener(thumbnails=False)


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(_EXIF_ORIENTATION, 1)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - unreadable EXIF must not cost anyone the photo
        return 1
    return value if value in _TRANSPOSE else 1


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(_TRANSPOSE[orientation]) if orientation in _TRANSPOSE else image


def _rgb(image: Image.Image, target: tuple[int, int]) -> Image.Image:
    """Any mode to RGB: 16 bits scaled (not clipped), transparency on white.

    Transparent photos need copies, so they are first reduced to what still covers `target`.
    """
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I"):
        import numpy as np

        deep = np.asarray(image)
        if deep.dtype != np.uint16:
            deep = np.clip(deep, 0, 65535).astype(np.uint16)
        return Image.fromarray((deep >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        # Colours weighted by their opacity, so that invisible ones do not tint the edges.
        seen = image.convert("RGBA").convert("RGBa")
        seen = seen.reduce(max(1, min(image.width // target[0], image.height // target[1]) // 2))
        over = seen.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", over.size, "white"), over).convert("RGB")
    return image.convert("RGB")


def _srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Colours converted as the profile says: a phone's Display P3 would look pale otherwise."""
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB")) or image
    except (ImageCms.PyCMSError, OSError, ValueError):  # damaged, or not an RGB profile
        return image


def _scaled(array: Bytes | Floats, scaling: Scaling) -> Floats:
    import numpy as np

    floats = array.astype(np.float32)
    if scaling is Scaling.UNIT:
        return floats / np.float32(255)
    if scaling is Scaling.SYMMETRIC:
        return floats / np.float32(127.5) - np.float32(1)
    if scaling is Scaling.CAFFE:
        return floats[..., ::-1] - np.array(_CAFFE_MEAN, np.float32)
    return floats
