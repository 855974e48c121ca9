"""A SavedModel written to its folder, with the request that warms it up.

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
from models.network.photo_graph import CHANNELS, jpeg_pixels, raw_pixels, scaled
from parrot.model.served_model import DEFAULT_SIGNATURE, Encoding, InputSpec

WARM_UP = "assets.extra/tf_serving_warmup_requests"
SIGNATURES = {Encoding.RAW: DEFAULT_SIGNATURE, Encoding.JPEG: "jpeg", Encoding.FLOATS: "floats"}
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
            lambda pixels: floats(scaled(raw_pixels(pixels, spec), spec.scaling)),
            input_signature=[tensor([None], tf().string, "pixels")],
        ),
        SIGNATURES[Encoding.JPEG]: function(
            lambda jpeg: floats(scaled(jpeg_pixels(jpeg, spec), spec.scaling)),
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
    path = folder / WARM_UP
    path.parent.mkdir(parents=True, exist_ok=True)
    name, tensor = _input(spec)
    with tf().io.TFRecordWriter(str(path)) as file:
        file.write(_record(model, SIGNATURES[spec.encoding], name, tensor))


def _input(spec: InputSpec) -> tuple[str, Any]:
    """The input's name and its TensorProto."""
    grey = np.full((spec.height, spec.width, CHANNELS), _GREY, np.uint8)
    if spec.encoding is Encoding.RAW:
        return "pixels", tf().make_tensor_proto([grey.tobytes()])
    if spec.encoding is Encoding.JPEG:
        return "jpeg", tf().make_tensor_proto([tf().io.encode_jpeg(grey).numpy()])
    return "pixels", tf().make_tensor_proto(float(_GREY), tf().float32, (1, *grey.shape))


def _record(model: str, signature: str, name: str, tensor: Any) -> bytes:
    from tensorflow_serving.apis.prediction_log_pb2 import (  # noqa: PLC0415 - imports TensorFlow
        PredictionLog,
    )

    log = PredictionLog()
    request = log.predict_log.request
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    request.inputs[name].CopyFrom(tensor)
    return bytes(log.SerializeToString(deterministic=True))
