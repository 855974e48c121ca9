"""A SavedModel loaded with TensorFlow: the one module that runs a graph.

It is loaded into a session, as TF Serving does, and not as Python functions. So the graph itself
decides which shapes it takes, models of TensorFlow 1 load too, and errors read the same.
"""

from __future__ import annotations

import os
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
    from tensorflow.core.protobuf import config_pb2, saved_model_pb2

tf.get_logger().setLevel("ERROR")

_TAG = "serve"
_GRAPH_FILE = "saved_model.pb"


class SavedModel:
    """A `Servable` read from a version folder."""

    def __init__(self, folder: Path) -> None:
        """Load the graph and its variables.

        Raises:
            ModelError: TensorFlow cannot load it, or it has no graph for serving.
        """
        meta_graph = _read_meta_graph(folder)
        self._definitions = dict(sorted(meta_graph.signature_def.items()))
        self.signatures: Mapping[str, Signature] = {
            name: _signature(name, definition) for name, definition in self._definitions.items()
        }
        self.signature_defs: Mapping[str, object] = {
            name: MessageToDict(
                definition,
                preserving_proto_field_name=True,
                always_print_fields_with_no_presence=True,
            )
            for name, definition in self._definitions.items()
        }
        try:
            self._session = _load(folder)
            self._calls = {
                name: self._callable(signature)
                for name, signature in self.signatures.items()
                if signature.inputs  # the others cannot be asked for
            }
        except tf.errors.OpError as error:
            raise ModelError(Code.from_number(error.error_code), error.message) from error
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ModelError(Code.UNKNOWN, str(error)) from error

    def run(self, signature: str, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
        """Run a signature's part of the graph; see `Servable.run`."""
        spec = self.signatures[signature]
        try:
            outputs = self._calls[signature](*(inputs[given.name] for given in spec.inputs))
        except tf.errors.OpError as error:
            raise ModelError(Code.from_number(error.error_code), error.message) from error
        return dict(zip(spec.outputs, map(_array, outputs), strict=True))

    def _callable(self, signature: Signature) -> Any:
        """Takes and gives a signature's tensors in their order.

        Session.run would check values against the shapes that placeholders promise, which TF
        Serving leaves to the graph; hence this, which Python's library has no public name for.
        """
        definition = self._definitions[signature.name]
        options = config_pb2.CallableOptions(
            feed=[definition.inputs[given.name].name for given in signature.inputs],
            fetch=[definition.outputs[name].name for name in signature.outputs],
        )
        return self._session._make_callable_from_options(options)  # noqa: SLF001


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


def _load(folder: Path) -> Any:
    config = tf.compat.v1.ConfigProto(
        inter_op_parallelism_threads=tf.config.threading.get_inter_op_parallelism_threads(),
        intra_op_parallelism_threads=tf.config.threading.get_intra_op_parallelism_threads(),
    )
    session = tf.compat.v1.Session(graph=tf.Graph(), config=config)
    with session.graph.as_default():
        tf.compat.v1.saved_model.load(session, [_TAG], str(folder))
    return session


def _signature(name: str, definition: Any) -> Signature:
    return Signature(
        name=name,
        inputs=tuple(
            TensorSpec(key, tf.as_dtype(info.dtype).name)
            for key, info in sorted(definition.inputs.items())
        ),
        outputs=tuple(sorted(definition.outputs)),
    )


def _array(value: Any) -> Array:
    # A string scalar arrives as plain bytes.
    return np.asarray(value, dtype=np.object_) if isinstance(value, bytes) else np.asarray(value)
