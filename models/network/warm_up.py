"""What TF Serving replays when it has loaded a version, so that no photo meets a cold graph.

A graph is optimised when it is first called, once per signature. TF Serving reads
`assets.extra/tf_serving_warmup_requests`: a TFRecord file of PredictionLog messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.network.lazy_tf import tf
from models.network.photo_graph import CHANNELS
from parrot.model.served_model import DEFAULT_SIGNATURE, Encoding

if TYPE_CHECKING:
    from pathlib import Path

    from parrot.model.served_model import InputSpec

FILE = "assets.extra/tf_serving_warmup_requests"
SIGNATURES = {Encoding.RAW: DEFAULT_SIGNATURE, Encoding.JPEG: "jpeg", Encoding.FLOATS: "floats"}
_GREY = 127


def write(folder: Path, model: str, spec: InputSpec) -> None:
    """Put a request with one grey photo into a SavedModel's folder, in the encoding of `spec`.

    Only for the signature that functions will call: each costs a start half a second. The same
    model and spec give the same bytes.
    """
    path = folder / FILE
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
