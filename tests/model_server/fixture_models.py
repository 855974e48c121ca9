r"""Tiny SavedModels, one for each thing that a model server has to get right.

The conformance suite runs against these, on this project's server or on the real one:

    python -m tests.model_server.fixture_models /tmp/fixtures
    docker run --rm -p 8501:8501 -v /tmp/fixtures:/models tensorflow/serving \
        --model_config_file=/models/models.config --allow_version_labels_for_unavailable_models
    TF_SERVING_URL=http://127.0.0.1:8501 python -m pytest tests/model_server/test_conformance*.py

(`models.config`, written beside the models, is how TF Serving learns of more than one, and of
labels; it lets a label precede its version only with that last flag.)
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

if TYPE_CHECKING:
    from collections.abc import Callable

    Tensor = Any  # TensorFlow has no types
    Function = Callable[..., Tensor]

IMAGE_SHAPE = (4, 4, 3)


def write_affine(folder: Path, offset: float) -> None:
    """`y = x / 2 + offset`: the answer tells which version gave it. Has a variables folder."""
    module = tf.Module()
    module.scale, module.offset = tf.Variable(0.5), tf.Variable(offset)

    @_function(tf.TensorSpec([None], tf.float32, name="x"))
    def serve(x: Tensor) -> Tensor:
        return {"y": x * module.scale + module.offset}

    module.serve = serve
    tf.saved_model.save(module, str(folder), signatures={"serving_default": serve})


def write_warm_up(folder: Path, records: str) -> None:
    """What TF Serving replays after loading; `records` says how it is right or wrong."""
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    path.parent.mkdir()
    if records == "bytes that are not records":
        path.write_bytes(b"parrot" * 10)
        return
    log = PredictionLog()
    request = log.predict_log.request
    request.inputs["x"].CopyFrom(
        tf.make_tensor_proto(["parrot"] if records == "a request of another type" else [1.0])
    )
    if records == "a request for another signature":
        request.model_spec.signature_name = "nonesuch"
    data = log.SerializeToString()
    with tf.io.TFRecordWriter(str(path)) as file:
        file.write(b"parrot" if records == "a record that is not a request" else data)


def write_patient(folder: Path) -> None:
    """Answers each x after x seconds: for requests that are still running."""

    @_function(tf.TensorSpec([None], tf.float32, name="x"))
    def serve(x: Tensor) -> Tensor:
        end = tf.timestamp() + tf.cast(tf.reduce_max(x), tf.float64)
        now = tf.while_loop(lambda now: now < end, lambda _: (tf.timestamp(),), [tf.timestamp()])
        with tf.control_dependencies(now):
            return {"y": tf.identity(x)}

    _save(folder, serving_default=serve)


def _save(folder: Path, **functions: Function) -> None:
    module = tf.Module()
    module.functions = list(functions.values())
    tf.saved_model.save(module, str(folder), signatures=functions)


def _function(*specs: tf.TensorSpec) -> Callable[[Function], Function]:
    decorate: Callable[[Function], Function] = tf.function(input_signature=specs)
    return decorate


def _write_two_inputs(folder: Path) -> None:
    @_function(
        tf.TensorSpec([None, 2], tf.float32, name="a"), tf.TensorSpec([None], tf.int32, name="b")
    )
    def serve(a: Tensor, b: Tensor) -> Tensor:
        return {"total": tf.reduce_sum(a, axis=1) + tf.cast(b, tf.float32), "twice": b * 2}

    _save(folder, serving_default=serve)


def _write_strings(folder: Path) -> None:
    @_function(tf.TensorSpec([None], tf.string, name="text"))
    def serve(text: Tensor) -> Tensor:
        return {"same": text, "same_bytes": text, "length": tf.strings.length(text)}

    @_function(tf.TensorSpec([], tf.string, name="text"))
    def scalar(text: Tensor) -> Tensor:
        return {"same_bytes": text}

    _save(folder, serving_default=serve, scalar=scalar)


def _write_raw_image(folder: Path) -> None:
    """Take a photo as raw uint8 in one string, as this project's own models take it."""

    @_function(tf.TensorSpec([None], tf.string, name="image_bytes"))
    def serve(image_bytes: Tensor) -> Tensor:
        pixels = tf.reshape(tf.io.decode_raw(image_bytes, tf.uint8), (-1, *IMAGE_SHAPE))
        mean = tf.reduce_mean(tf.cast(pixels, tf.float32), axis=(1, 2))
        return {"features": mean, "probabilities": tf.nn.softmax(mean)}

    _save(folder, serving_default=serve)


def _write_non_finite(folder: Path) -> None:
    @_function(tf.TensorSpec([None], tf.float32, name="x"))
    def serve(x: Tensor) -> Tensor:
        return {"y": tf.stack([x / 0.0, -x / 0.0, x * float("nan"), x], axis=1)}

    _save(folder, serving_default=serve)


def _write_failing(folder: Path) -> None:
    """Errors that only show when the model runs."""

    @_function(tf.TensorSpec([None], tf.string, name="text"))
    def serve(text: Tensor) -> Tensor:
        return {"y": tf.strings.to_number(text)}

    @_function(tf.TensorSpec([None, None], tf.float32, name="x"))
    def matmul(x: Tensor) -> Tensor:
        return {"y": tf.linalg.matmul(x, tf.ones([3, 1]))}

    _save(folder, serving_default=serve, matmul=matmul)


def _write_signatures(folder: Path) -> None:
    @_function(tf.TensorSpec([None], tf.float32, name="x"))
    def double(x: Tensor) -> Tensor:
        return {"y": x * 2.0}

    @_function(tf.TensorSpec([None], tf.float32, name="x"))
    def halve(x: Tensor) -> Tensor:
        return {"y": x / 2.0}

    @_function(tf.TensorSpec([None], tf.float32, name="x"))
    def total(x: Tensor) -> Tensor:
        return {"sum": tf.reduce_sum(x)}

    @_function(tf.TensorSpec([None], tf.float32, name="x"))
    def positive(x: Tensor) -> Tensor:
        return {"y": tf.boolean_mask(x, x > 0)}

    @_function(tf.TensorSpec([None], tf.float32, name="x"))
    def signs(x: Tensor) -> Tensor:
        return {"positive": tf.boolean_mask(x, x > 0), "negative": tf.boolean_mask(x, x < 0)}

    @_function()
    def constant() -> Tensor:
        return {"y": tf.constant([1.0])}

    _save(
        folder,
        serving_default=double,
        halve=halve,
        total=total,
        positive=positive,
        signs=signs,
        constant=constant,
    )


def _write_types(folder: Path) -> None:
    """One signature per type: it answers its input."""

    def echo(dtype: tf.DType) -> Function:
        @_function(tf.TensorSpec(None, dtype, name="x"))
        def serve(x: Tensor) -> Tensor:
            return {"y": tf.identity(x)}

        return serve

    names = ("float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint32", "uint64")
    signatures = {name: echo(tf.as_dtype(name)) for name in (*names, "bool", "string", "float16")}
    _save(folder, serving_default=signatures["float32"], **signatures)


def _write_examples(folder: Path) -> None:
    """Signatures that classify and regress: known by their tensors' names since TensorFlow 2."""
    examples = tf.TensorSpec([None], tf.string, name="inputs")
    numbers = {"x": tf.io.FixedLenFeature([], tf.float32, 0.0)}
    words = {"name": tf.io.FixedLenFeature([2], tf.string, [b"", b""])}

    def x(inputs: Tensor) -> Tensor:
        return tf.io.parse_example(inputs, numbers)["x"]

    def scores_of(inputs: Tensor) -> Tensor:
        return tf.stack([x(inputs), 1 - x(inputs)], axis=1)

    @_function(examples)
    def classify(inputs: Tensor) -> Tensor:
        names = tf.io.parse_example(inputs, words)["name"]
        return {"classes": names, "scores": scores_of(inputs)}

    @_function(examples)
    def scores(inputs: Tensor) -> Tensor:
        return {"scores": scores_of(inputs)}

    @_function(examples)
    def regress(inputs: Tensor) -> Tensor:
        return {"outputs": x(inputs) / 2 + 2}

    @_function(examples)
    def wide(inputs: Tensor) -> Tensor:
        return {"outputs": scores_of(inputs)}

    _save(folder, serving_default=classify, scores=scores, regress=regress, wide=wide)


def _write_version_1(folder: Path) -> None:
    """A model of TensorFlow 1, as the documentation's half_plus_three: a graph and a session."""
    v1 = tf.compat.v1
    with v1.Session(graph=tf.Graph()) as session:
        examples = v1.placeholder(tf.string, [None])
        parsed = tf.io.parse_example(examples, {"x": tf.io.FixedLenFeature([1], tf.float32)})["x"]
        x = v1.placeholder_with_default(parsed, [None, 1])
        scale = v1.get_variable("scale", initializer=0.5, use_resource=False)
        y = x * scale + 3.0
        session.run(v1.global_variables_initializer())
        define, info = v1.saved_model.build_signature_def, v1.saved_model.build_tensor_info
        builder = v1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(
            session,
            [v1.saved_model.tag_constants.SERVING],
            {
                "serving_default": define(
                    {"x": info(x)}, {"y": info(y)}, "tensorflow/serving/predict"
                ),
                "regress": define(
                    {"inputs": info(examples)}, {"outputs": info(y)}, "tensorflow/serving/regress"
                ),
            },
        )
        builder.save()


MODELS: dict[str, tuple[tuple[int, Callable[[Path], None]], ...]] = {
    "half_plus_two": ((1, lambda folder: write_affine(folder, 2.0)),),
    "two_versions": (
        (1, lambda folder: write_affine(folder, 1.0)),
        (2, lambda folder: write_affine(folder, 2.0)),
    ),
    "two_inputs": ((1, _write_two_inputs),),
    "strings": ((1, _write_strings),),
    "raw_image": ((1, _write_raw_image),),
    "non_finite": ((1, _write_non_finite),),
    "failing": ((1, _write_failing),),
    "signatures": ((7, _write_signatures),),
    "types": ((1, _write_types),),
    "examples": ((1, _write_examples),),
    "version_1": ((1, _write_version_1),),
}

LABELS = (("half_plus_two", "stable", 1),)


def write(base: Path) -> None:
    """Write every fixture model under `base`, and TF Serving's config file for them."""
    for name, versions in MODELS.items():
        for number, write_version in versions:
            write_version(base / name / str(number))
    entries = "".join(
        f"  config {{ name: {json.dumps(name)} base_path: {json.dumps(f'/models/{name}')} "
        f'model_platform: "tensorflow" {_label_entry(name)}}}\n'
        for name in MODELS
    )
    (base / "models.config").write_text(f"model_config_list {{\n{entries}}}\n", encoding="utf-8")


def _label_entry(model: str) -> str:
    return "".join(
        f'version_labels {{ key: "{label}" value: {version} }} '
        for labelled, label, version in LABELS
        if labelled == model
    )


if __name__ == "__main__":
    write(Path(sys.argv[1]))
