"""A SavedModel that takes photos, written to its folder with the request that warms it up.

Its graph makes pixels of bytes, in the range that the model expects: the same pixels as
`parrot.photo.images` does; tests/training/test_wrap.py checks it.

A graph is optimised when it is first called, once per signature. TF Serving replays `WARM_UP` when
it has loaded a version, so that no photo meets a cold graph.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from models.network.lazy_tf import tf
from parrot.model.served_model import (
    DEFAULT_SIGNATURE,
    Crop,
    Encoding,
    InputSpec,
    Resampling,
    Scaling,
)

WARM_UP = "assets.extra/tf_serving_warmup_requests"
SIGNATURES = {Encoding.RAW: DEFAULT_SIGNATURE, Encoding.JPEG: "jpeg", Encoding.FLOATS: "floats"}
CHANNELS = 3
_CAFFE_MEAN = (103.939, 116.779, 123.68)  # BGR, as Keras has it
_GREY = 127


@contextmanager
def written(
    module: Any, predict: Callable[[Any], Any], folder: Path, spec: InputSpec
) -> Iterator[tuple[Path, Any]]:
    """Write a SavedModel to `folder`, completely or not at all, replacing what is there.

    `predict` takes float32 `pixels` (batch, height, width, 3) as `spec` scales them, and gives
    outputs by name. It gets the three `SIGNATURES`: for raw pixels, JPEG files
    and floats. Yields the draft's folder, to which files can be added, and the traced function.
    """
    tensor, function = tf().TensorSpec, tf().function
    image = tensor([None, spec.height, spec.width, CHANNELS], tf().float32, "pixels")
    # Traced once and called by the other two, so that the weights are in the file once.
    floats = function(predict, input_signature=[image])
    signatures = {
        SIGNATURES[Encoding.RAW]: function(
            lambda pixels: floats(_scaled(_raw_pixels(pixels, spec), spec.scaling)),
            input_signature=[tensor([None], tf().string, "pixels")],
        ),
        SIGNATURES[Encoding.JPEG]: function(
            lambda jpeg: floats(_scaled(_jpeg_pixels(jpeg, spec), spec.scaling)),
            input_signature=[tensor([None], tf().string, "jpeg")],
        ),
        SIGNATURES[Encoding.FLOATS]: floats,
    }
    draft = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        tf().saved_model.save(module, str(draft), signatures=signatures)
        write_warm_up(draft, folder.resolve().parent.name, spec)
        yield draft, floats
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def write_warm_up(folder: Path, model: str, spec: InputSpec) -> None:
    """Put a request with one grey photo into a SavedModel's folder, in the encoding of `spec`.

    Only for the signature that functions will call: each costs a start half a second. The same
    model and spec give the same bytes, a TFRecord file of PredictionLog messages.
    """
    from tensorflow_serving.apis.prediction_log_pb2 import (  # noqa: PLC0415 - imports TensorFlow
        PredictionLog,
    )

    log, (name, tensor) = PredictionLog(), _input(spec)
    request = log.predict_log.request
    request.model_spec.name = model
    request.model_spec.signature_name = SIGNATURES[spec.encoding]
    request.inputs[name].CopyFrom(tensor)
    path = folder / WARM_UP
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf().io.TFRecordWriter(str(path)) as file:
        file.write(log.SerializeToString(deterministic=True))


def _input(spec: InputSpec) -> tuple[str, Any]:
    """The input's name and its TensorProto."""
    grey = np.full((spec.height, spec.width, CHANNELS), _GREY, np.uint8)
    if spec.encoding is Encoding.RAW:
        return "pixels", tf().make_tensor_proto([grey.tobytes()])
    if spec.encoding is Encoding.JPEG:
        return "jpeg", tf().make_tensor_proto([tf().io.encode_jpeg(grey).numpy()])
    return "pixels", tf().make_tensor_proto(float(_GREY), tf().float32, (1, *grey.shape))


def _raw_pixels(rows: Any, spec: InputSpec) -> Any:
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


def _jpeg_pixels(files: Any, spec: InputSpec) -> Any:
    """(n,) JPEG files of any size to float32 (n, height, width, 3) in 0..255.

    TF_BILINEAR gives fractions, exactly as `parrot.photo.images` does; ANTIALIAS is rounded and may
    differ from it by one level. EXIF orientation is ignored.
    """
    shape = (spec.height, spec.width, CHANNELS)

    def decoded(file: Any) -> Any:
        image = tf().io.decode_jpeg(file, channels=CHANNELS, dct_method="INTEGER_ACCURATE")
        return tf().ensure_shape(_resized(image, spec), shape)

    return tf().map_fn(decoded, files, fn_output_signature=tf().TensorSpec(shape, tf().float32))


def _scaled(pixels: Any, scaling: Scaling) -> Any:
    """Pixels in 0..255 to the range that the model expects."""
    if scaling is Scaling.UNIT:
        return pixels / np.float32(255)
    if scaling is Scaling.SYMMETRIC:
        return pixels / np.float32(127.5) - np.float32(1)
    if scaling is Scaling.CAFFE:
        return pixels[..., ::-1] - np.array(_CAFFE_MEAN, np.float32)
    return pixels


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
