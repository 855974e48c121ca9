"""A version is loaded and then warmed up: its own example requests are replayed.

A graph is optimised on its first call, which would otherwise be some client's slow request. As in
TF Serving, a warm-up that fails fails the load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from local.model_server.errors import Code, InvalidArgument, ModelError, Unimplemented
from local.model_server.savedmodel import SavedModel
from local.model_server.signatures import DEFAULT_SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.model_server.signatures import Servable

_FILE = "assets.extra/tf_serving_warmup_requests"
_MAX_RECORDS = 1000  # TF Serving's limit


def loaded(folder: Path) -> SavedModel:
    """The SavedModel of a version folder, warm.

    Raises:
        ServingError: it cannot be loaded, or its warm-up failed.
    """
    servable = SavedModel(folder)
    path = folder / _FILE
    if path.is_file():
        for log in _records(path):
            _replay(servable, log)
    return servable


def _records(path: Path) -> Iterator[Any]:
    try:
        for count, record in enumerate(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()):
            if count == _MAX_RECORDS:
                raise InvalidArgument(
                    f"Number of warmup records exceeds the maximum ({_MAX_RECORDS}) at {path}"
                )
            yield PredictionLog.FromString(record)
    except DecodeError as error:
        raise InvalidArgument(f"Failed to parse warmup record from {path}") from error
    except tf.errors.DataLossError as error:
        raise ModelError(
            Code.DATA_LOSS,
            f"{error.message}. Please verify your warmup data is in TFRecord format.",
        ) from error


def _replay(servable: Servable, log: Any) -> None:
    kind = log.WhichOneof("log_type")
    if kind != "predict_log":
        raise Unimplemented(f"This server can only warm up with predict_log, not with {kind}")
    request = log.predict_log.request
    name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    signature = servable.signatures.get(name)
    if signature is None:
        raise ModelError(Code.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
    if set(request.inputs) != {spec.name for spec in signature.inputs}:
        raise InvalidArgument("input size does not match signature")
    inputs = {key: np.asarray(tf.make_ndarray(tensor)) for key, tensor in request.inputs.items()}
    servable.run(name, inputs)
