"""A SavedModel loaded with TensorFlow: the one module that imports it."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from google.protobuf.json_format import MessageToDict

from local.model_server.errors import Code, ModelError
from local.model_server.signatures import Signature, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from local.model_server.signatures import Array


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Discard file descriptor 2: TensorFlow's libraries write to it before they read any flag."""
    saved = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with _quiet_stderr():
    import tensorflow as tf
    from tensorflow.core.protobuf import saved_model_pb2

_TAG = "serve"
_GRAPH_FILE = "saved_model.pb"
# TensorFlow puts an operation's sentence between a note on stack traces and the node's name.
_GRAPH_ERROR = re.compile(
    r"Graph execution error:.*?<stack traces unavailable>\n(?P<sentence>.*?)(?:\n\t \[\[.*)?",
    re.DOTALL,
)


class SavedModel:
    """A `Servable` read from a version folder."""

    def __init__(self, folder: Path) -> None:
        """Load the graph and its variables.

        Raises:
            ModelError: TensorFlow cannot load it, or it has no graph for serving.
        """
        meta_graph = _read_meta_graph(folder)
        try:
            self._model = tf.saved_model.load(str(folder), tags=[_TAG])
        except tf.errors.OpError as error:
            raise _translated(error) from error
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ModelError(Code.UNKNOWN, str(error)) from error
        definitions = meta_graph.signature_def
        self.signatures: Mapping[str, Signature] = {
            name: _signature(name, definitions[name]) for name in self._model.signatures
        }
        self.signature_defs: Mapping[str, object] = {
            name: MessageToDict(
                definition,
                preserving_proto_field_name=True,
                always_print_fields_with_no_presence=True,
            )
            for name, definition in sorted(definitions.items())
        }
        self._calls = {name: self._model.signatures[name] for name in self.signatures}

    def run(self, signature: str, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
        """Call a signature's concrete function; see `Servable.run`."""
        feeds = {name: tf.constant(array) for name, array in inputs.items()}
        try:
            outputs = self._calls[signature](**feeds)
            return {name: _to_numpy(outputs[name]) for name in self.signatures[signature].outputs}
        except tf.errors.OpError as error:
            raise _translated(error) from error


def limit_threads(*, inter_op: int, intra_op: int) -> None:
    """Set TensorFlow's thread counts; must be called before its first operation."""
    tf.config.threading.set_inter_op_parallelism_threads(inter_op)
    tf.config.threading.set_intra_op_parallelism_threads(intra_op)


def _read_meta_graph(folder: Path) -> Any:
    saved_model = saved_model_pb2.SavedModel()
    try:
        saved_model.ParseFromString((folder / _GRAPH_FILE).read_bytes())
    except OSError as error:
        raise ModelError(Code.NOT_FOUND, str(error)) from error
    except Exception as error:  # protobuf's DecodeError is a different class in each backend
        raise ModelError(Code.DATA_LOSS, f"Cannot parse {_GRAPH_FILE}: {error}") from error
    for meta_graph in saved_model.meta_graphs:
        if set(meta_graph.meta_info_def.tags) == {_TAG}:
            return meta_graph
    raise ModelError(Code.NOT_FOUND, f"{_GRAPH_FILE} has no graph with the tag {_TAG!r}")


def _signature(name: str, definition: Any) -> Signature:
    return Signature(
        name=name,
        method_name=definition.method_name,
        inputs=tuple(
            TensorSpec(key, tf.as_dtype(info.dtype).name, _shape(info.tensor_shape))
            for key, info in sorted(definition.inputs.items())
        ),
        outputs=tuple(sorted(definition.outputs)),
    )


def _shape(proto: Any) -> tuple[int | None, ...] | None:
    if proto.unknown_rank:
        return None
    return tuple(None if dim.size < 0 else int(dim.size) for dim in proto.dim)


def _to_numpy(tensor: Any) -> Array:
    value = tensor.numpy()
    # A string scalar arrives as plain bytes.
    return np.asarray(value, dtype=np.object_) if isinstance(value, bytes) else np.asarray(value)


def _translated(error: Any) -> ModelError:
    match = _GRAPH_ERROR.fullmatch(error.message)
    message = match["sentence"] if match else error.message
    return ModelError(Code.from_number(error.error_code), message)
