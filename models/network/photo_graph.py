"""Graphs that read photos: bytes to pixels to the range that a model expects.

The pixels are the same as those of `parrot.photo.images`; tests/training/test_wrap.py checks it.
"""

from typing import Any

import numpy as np

from models.network.lazy_tf import tf
from parrot.model.served_model import Crop, InputSpec, Resampling, Scaling

CHANNELS = 3
_CAFFE_MEAN = (103.939, 116.779, 123.68)  # BGR, as Keras has it


def raw_pixels(rows: Any, spec: InputSpec) -> Any:
    """(n,) strings of uint8 RGB, row by row, to float32 (n, height, width, 3) in 0..255."""
    size = spec.height * spec.width * CHANNELS
    check = tf().debugging.assert_equal(
        tf().strings.length(rows),
        size,
        f"raw pixels are {spec.height} x {spec.width} x {CHANNELS} bytes",
    )
    with tf().control_dependencies([check]):
        flat = tf().io.decode_raw(rows, tf().uint8, fixed_length=size)
    shaped = tf().reshape(flat, (-1, spec.height, spec.width, CHANNELS))
    return tf().cast(shaped, tf().float32)


def jpeg_pixels(files: Any, spec: InputSpec) -> Any:
    """(n,) JPEG files of any size to float32 (n, height, width, 3) in 0..255.

    TF_BILINEAR gives fractions, exactly as `parrot.photo.images` does; ANTIALIAS is rounded and may
    differ from it by one level. EXIF orientation is ignored.
    """
    shape = (spec.height, spec.width, CHANNELS)
    return tf().map_fn(
        lambda file: tf().ensure_shape(_resized(_decoded(file), spec), shape),
        files,
        fn_output_signature=tf().TensorSpec(shape, tf().float32),
    )


def scaled(pixels: Any, scaling: Scaling) -> Any:
    """Pixels in 0..255 to the range that the model expects."""
    if scaling is Scaling.UNIT:
        return pixels / np.float32(255)
    if scaling is Scaling.SYMMETRIC:
        return pixels / np.float32(127.5) - np.float32(1)
    if scaling is Scaling.CAFFE:
        return pixels[..., ::-1] - np.array(_CAFFE_MEAN, np.float32)
    return pixels


def _decoded(file: Any) -> Any:
    return tf().io.decode_jpeg(file, channels=CHANNELS, dct_method="INTEGER_ACCURATE")


def _resized(image: Any, spec: InputSpec) -> Any:
    top, left, height, width = _box(image, spec)
    if spec.resampling is Resampling.TF_BILINEAR:
        # As in `parrot.photo.images`: whole pixels first, round half to even.
        top, left, bottom, right = (
            tf().cast(tf().round(edge), tf().int32)
            for edge in (top, left, top + height, left + width)
        )
        cut = image[top : tf().maximum(bottom, top + 1), left : tf().maximum(right, left + 1)]
        return tf().image.resize(cut, (spec.height, spec.width))
    # The kernel of tf.image.resize, but the box may start inside a pixel, as in Pillow.
    scale = tf().cast([spec.height / height, spec.width / width], tf().float32)
    small = tf().raw_ops.ScaleAndTranslate(
        images=tf().cast(image, tf().float32)[None],
        size=(spec.height, spec.width),
        scale=scale,
        translation=-tf().cast([top, left], tf().float32) * scale,
        kernel_type="triangle",
        antialias=True,
    )[0]
    return tf().clip_by_value(tf().round(small), 0.0, 255.0)


def _box(image: Any, spec: InputSpec) -> tuple[Any, Any, Any, Any]:
    """Top, left, height and width of the crop that the model sees, in pixels, as float64."""
    shape = tf().cast(tf().shape(image), tf().float64)
    height, width = shape[0], shape[1]
    if spec.crop is Crop.SQUASH:
        return tf().zeros_like(height), tf().zeros_like(width), height, width
    aspect = spec.width / spec.height
    cut_width = tf().minimum(width, height * aspect)
    cut_height = tf().minimum(height, width / aspect)
    return (height - cut_height) / 2, (width - cut_width) / 2, cut_height, cut_width
