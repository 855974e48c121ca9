r"""Tiny SavedModels, one for each thing that a model server has to get right.

`test_predict` runs against these, on this project's server or on the real one:

    python -m tests.serving.fixture_models /tmp/fixtures
    docker run --rm -p 8501:8501 -v /tmp/fixtures:/models tensorflow/serving \
        --model_config_file=/models/models.config
    TF_SERVING_URL=http://127.0.0.1:8501 python -m pytest tests/serving/test_predict.py

(`models.config`, written beside the models, is how TF Serving learns of more than one.)
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

Tensor = Any  # TensorFlow has no types
Function = Callable[..., Tensor]

IMAGE_SHAPE = (4, 4, 3)
TYPES = ("float32", "float64", "int32", "int64", "uint8", "bool", "string")


def write_numbered(folder: Path) -> None:
    """`y = x / 2 + VERSION`: the answer tells which version gave it. Has a variables folder."""
    module = tf.Module()
    module.scale, module.offset = tf.Variable(0.5), tf.Variable(float(folder.name))
    module.serve = tf.function(
        lambda x: {"y": x * module.scale + module.offset},
        input_signature=[tf.TensorSpec([None], tf.float32)],
    )
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.serve})


def write_warm_up(folder: Path, records: str) -> None:
    """What TF Serving replays after loading; `records` says how it is right or wrong."""
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    path.parent.mkdir()
    if records == "bytes that are not records":
        path.write_bytes(b"parrot" * 10)
        return
    log = PredictionLog()
    log.predict_log.request.inputs["x"].CopyFrom(
        tf.make_tensor_proto(["parrot"] if records == "a request of another type" else [1.0])
    )
    with tf.io.TFRecordWriter(str(path)) as file:
        file.write(log.SerializeToString())


def write_patient(folder: Path) -> None:
    """Answers each x after x seconds: for requests that are still running."""

    def serve(x: Tensor) -> Tensor:
        end = tf.timestamp() + tf.cast(tf.reduce_max(x), tf.float64)
        now = tf.while_loop(lambda now: now < end, lambda _: (tf.timestamp(),), [tf.timestamp()])
        with tf.control_dependencies(now):
            return {"y": tf.identity(x)}

    _save(folder, tf.TensorSpec([None], tf.float32), serving_default=serve)


def _save(folder: Path, *specs: tf.TensorSpec, **functions: Function) -> None:
    """Each function is a signature whose inputs have its parameters' names and these types."""
    module = tf.Module()
    module.functions = {
        name: tf.function(function, input_signature=specs) for name, function in functions.items()
    }
    tf.saved_model.save(module, str(folder), signatures=dict(module.functions))


def _write_two_inputs(folder: Path) -> None:
    def serve(a: Tensor, b: Tensor) -> Tensor:
        return {"total": tf.reduce_sum(a, axis=1) + tf.cast(b, tf.float32), "twice": b * 2}

    specs = tf.TensorSpec([None, 2], tf.float32), tf.TensorSpec([None], tf.int32)
    _save(folder, *specs, serving_default=serve)


def _write_strings(folder: Path) -> None:
    def serve(text: Tensor) -> Tensor:
        return {"same": text, "same_bytes": text, "length": tf.strings.length(text)}

    _save(
        folder,
        tf.TensorSpec(None, tf.string),
        serving_default=serve,
        only_bytes=lambda text: {"same_bytes": tf.identity(text)},
        number=lambda text: {"y": tf.strings.to_number(text)},
    )


def _write_raw_image(folder: Path) -> None:
    """Take a photo as raw uint8 in one string, as this project's own models take it."""

    def serve(image_bytes: Tensor) -> Tensor:
        pixels = tf.reshape(tf.io.decode_raw(image_bytes, tf.uint8), (-1, *IMAGE_SHAPE))
        mean = tf.reduce_mean(tf.cast(pixels, tf.float32), axis=(1, 2))
        return {"features": mean, "probabilities": tf.nn.softmax(mean)}

    _save(folder, tf.TensorSpec([None], tf.string), serving_default=serve)


def _write_signatures(folder: Path) -> None:
    def signs(x: Tensor) -> Tensor:
        return {"positive": tf.boolean_mask(x, x > 0), "negative": tf.boolean_mask(x, x < 0)}

    def not_finite(x: Tensor) -> Tensor:
        return {"y": tf.stack([x / 0.0, -x / 0.0, x * float("nan"), x], axis=1)}

    _save(
        folder,
        tf.TensorSpec([None], tf.float32),
        serving_default=lambda x: {"y": x * 2.0},
        halve=lambda x: {"y": x / 2.0},
        total=lambda x: {"sum": tf.reduce_sum(x)},
        signs=signs,
        not_finite=not_finite,
    )


def _write_types(folder: Path) -> None:
    """One signature per type: it answers its input."""
    module = tf.Module()
    module.functions = {
        name: tf.function(
            lambda x: {"y": tf.identity(x)},
            input_signature=[tf.TensorSpec(None, tf.as_dtype(name))],
        )
        for name in TYPES
    }
    tf.saved_model.save(module, str(folder), signatures=dict(module.functions))


def _write_version_1(folder: Path) -> None:
    """A model of TensorFlow 1, as the documentation's half_plus_three: a graph and a session."""
    v1 = tf.compat.v1
    with v1.Session(graph=tf.Graph()) as session:
        x = v1.placeholder(tf.float32, [None, 1])
        scale = v1.get_variable("scale", initializer=0.5, use_resource=False)
        y = x * scale + 3.0
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(session, str(folder), {"x": x}, {"y": y})


MODELS: dict[str, dict[int, Callable[[Path], None]]] = {
    "half_plus_two": {1: write_numbered, 2: write_numbered},
    "two_inputs": {1: _write_two_inputs},
    "strings": {1: _write_strings},
    "raw_image": {1: _write_raw_image},
    "signatures": {7: _write_signatures},
    "types": {1: _write_types},
    "version_1": {1: _write_version_1},
}


def write(base: Path) -> None:
    """Write every fixture model under `base`, and TF Serving's config file for them."""
    for name, versions in MODELS.items():
        for number, write_version in versions.items():
            write_version(base / name / str(number))
    entries = "".join(
        f"  config {{ name: {json.dumps(name)} base_path: {json.dumps(f'/models/{name}')} "
        'model_platform: "tensorflow" }\n'
        for name in MODELS
    )
    (base / "models.config").write_text(f"model_config_list {{\n{entries}}}\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
