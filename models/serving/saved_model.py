"""A SavedModel loaded with TensorFlow: the one module that runs a graph.

It is loaded into a session, as TF Serving does, and not as Python functions. So the graph itself
decides which shapes it takes, and models of TensorFlow 1 load too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.serving.errors import ServingError
from models.serving.quiet_tf import tf  # before all that follows, which imports TensorFlow

from tensorflow.core.protobuf import config_pb2, error_codes_pb2  # isort: skip
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog  # isort: skip

Array = npt.NDArray[Any]
# For two cores shared with other programs: a request runs on one core, two requests use both.
_THREADS = tf.compat.v1.ConfigProto(inter_op_parallelism_threads=2, intra_op_parallelism_threads=1)
_DEFAULT_SIGNATURE = "serving_default"
_TAG = "serve"
_WARM_UP = "assets.extra/tf_serving_warmup_requests"


@dataclass(frozen=True, slots=True)
class Signature:
    """One way to call a model: types by input, and outputs. Shapes are the graph's business."""

    name: str
    inputs: Mapping[str, np.dtype[Any]]
    outputs: tuple[str, ...]


class SavedModel:
    """A loaded version of a model, warm."""

    def __init__(self, folder: Path) -> None:
        """Load a version folder, and replay its own example requests.

        A graph is optimised on its first call, which would otherwise be some client's slow request.
        As in TF Serving, a warm-up that fails fails the load. Raises whatever TensorFlow raises.
        """
        self._session = tf.compat.v1.Session(graph=tf.Graph(), config=_THREADS)
        with self._session.graph.as_default():
            graph = tf.compat.v1.saved_model.load(self._session, [_TAG], str(folder))
        self._signatures = {}
        self._calls = {}
        for name, definition in graph.signature_def.items():
            if not definition.inputs:
                continue  # cannot be asked for; TensorFlow's own initialisation is one
            inputs = {
                key: np.dtype(tf.as_dtype(info.dtype).as_numpy_dtype)
                for key, info in sorted(definition.inputs.items())
            }
            outputs = tuple(sorted(definition.outputs))
            self._signatures[name] = Signature(name, inputs, outputs)
            self._calls[name] = self._callable(self._signatures[name], definition)
        for request in _warm_up_requests(folder / _WARM_UP):
            signature = self.signature(request.model_spec.signature_name)
            inputs = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
            self.run(signature, inputs)

    def signature(self, name: object) -> Signature:
        """A signature by name, or the default one for an empty name. Raises ServingError."""
        signature = self._signatures.get(str(name or _DEFAULT_SIGNATURE))
        if signature is None:
            known = ", ".join(sorted(self._signatures))
            raise ServingError(f"there is no signature {name!r}; there is: {known}")
        return signature

    def run(self, signature: Signature, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Call a signature; strings are object arrays of bytes.

        Raises ServingError where the model refuses the inputs or fails.
        """
        try:
            outputs = self._calls[signature.name](*(inputs[name] for name in signature.inputs))
        except tf.errors.OpError as error:
            code = error_codes_pb2.Code.Name(error.error_code)
            raise ServingError(error.message, code) from error
        return {
            # A string scalar arrives as plain bytes.
            name: np.asarray(output, np.object_ if isinstance(output, bytes) else None)
            for name, output in zip(signature.outputs, outputs, strict=True)
        }

    def _callable(self, signature: Signature, definition: Any) -> Any:
        """Takes and gives a signature's tensors in their order.

        Session.run would check values against the shapes that placeholders promise, which TF
        Serving leaves to the graph; hence this, which Python's library has no public name for.
        """
        options = config_pb2.CallableOptions(
            feed=[definition.inputs[name].name for name in signature.inputs],
            fetch=[definition.outputs[name].name for name in signature.outputs],
        )
        return self._session._make_callable_from_options(options)  # noqa: SLF001


def _warm_up_requests(path: Path) -> Iterator[Any]:
    """The file that TF Serving replays too; `models.network.savedmodel` writes one."""
    if path.is_file():
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            yield PredictionLog.FromString(record).predict_log.request
