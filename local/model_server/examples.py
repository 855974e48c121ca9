"""`:classify` and `:regress`: JSON examples -> tf.train.Example -> the model -> JSON results.

As in TF Serving, any signature will do whose one input is called `inputs` and whose outputs are
called `scores` and `classes` (or one of them) to classify, or `outputs` to regress.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from tensorflow.core.example.example_pb2 import Example

from local.model_server.bodies import preview
from local.model_server.errors import Code, InvalidArgument, ServingError
from local.model_server.predict import signature_name
from local.model_server.tensors import decode_base64, encode, is_base64, json_type

if TYPE_CHECKING:
    from local.model_server.bodies import JsonObject
    from local.model_server.signatures import Array, Servable, Signature

_INPUTS, _CLASSES, _SCORES, _OUTPUTS = "inputs", "classes", "scores", "outputs"
_MAX_INT64 = 2**63 - 1


def classify(servable: Servable, body: JsonObject) -> bytes:
    """Answer the body of a `:classify` request: for each example a list of [label, score].

    Raises:
        InvalidArgument: the body is malformed, or the signature does not classify.
        ServingError: the model failed.
    """
    examples = _examples(body)
    signature = _signature(servable, body)
    if len(signature.inputs) != 1:
        raise InvalidArgument("Expected one input Tensor.")
    if len(signature.outputs) not in {1, 2}:
        raise InvalidArgument(f"Expected one or two output Tensors, found {len(signature.outputs)}")
    if signature.inputs[0].name != _INPUTS:
        raise InvalidArgument(f"No classification inputs found in SignatureDef: {signature}")
    if not {_CLASSES, _SCORES} & set(signature.outputs):
        raise InvalidArgument(
            "Expected classification signature outputs to contain at least one of "
            f'"{_CLASSES}" or "{_SCORES}". Signature was: {signature}'
        )
    outputs = servable.run(signature.name, {_INPUTS: examples})
    return _dumps(_classifications(outputs.get(_CLASSES), outputs.get(_SCORES), len(examples)))


def regress(servable: Servable, body: JsonObject) -> bytes:
    """Answer the body of a `:regress` request: one number per example.

    Raises:
        InvalidArgument: the body is malformed, or the signature does not regress.
        ServingError: the model failed.
    """
    examples = _examples(body)
    signature = _signature(servable, body)
    for kind, names in (("input", signature.inputs), ("output", signature.outputs)):
        if len(names) != 1:
            raise InvalidArgument(f"Expected one {kind} Tensor.")
    for kind, name, wanted in (
        ("inputs", signature.inputs[0].name, _INPUTS),
        ("outputs", signature.outputs[0], _OUTPUTS),
    ):
        if name != wanted:
            raise ServingError(
                Code.FAILED_PRECONDITION,
                f"No regression {kind} found in SignatureDef: {signature}",
            )
    values = servable.run(signature.name, {_INPUTS: examples})[_OUTPUTS]
    if not (values.ndim == 1 or (values.ndim == 2 and values.shape[1] == 1)):  # noqa: PLR2004
        raise InvalidArgument(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            f"{_show(values)}"
        )
    if len(values) != len(examples):
        raise InvalidArgument(
            f"Input batch size did not match output batch size: {len(examples)} vs. {len(values)}"
        )
    _check_floats("output", values)
    return _dumps(_shortest(values.reshape(-1)))


def _signature(servable: Servable, body: JsonObject) -> Signature:
    name = signature_name(body)
    signature = servable.signatures.get(name)
    if signature is None:
        raise InvalidArgument(f"No signature was found with the name: {name}")
    return signature


def _examples(body: JsonObject) -> Array:
    """Each example, serialised; what `context` says holds for every one of them."""
    signature_name(body)
    context = _example(body["context"]) if "context" in body else b""
    if "examples" not in body:
        raise InvalidArgument(
            f"JSON Value: {preview(body)} When method is classify, key 'examples' is expected "
            "and was not found"
        )
    examples = body["examples"]
    if not isinstance(examples, list):
        raise InvalidArgument(
            f"JSON Value: {preview(body)} Expecting 'examples' value to be an list/array"
        )
    if not examples:
        raise InvalidArgument(f"JSON Value: {preview(body)} 'examples' value is an empty array")
    serialised: Array = np.empty(len(examples), np.object_)
    # Concatenated messages merge; an example's own features come last and win.
    serialised[:] = [context + _example(example) for example in examples]
    return serialised


def _example(value: object) -> bytes:
    if not isinstance(value, dict):
        raise InvalidArgument(f"Example must be JSON object but got JSON {json_type(value)}")
    example = Example()
    for name, content in value.items():
        feature = example.features.feature[name]
        for element in content if isinstance(content, list) else [content]:
            _add(element, name, feature)
    return bytes(example.SerializeToString(deterministic=True))


def _add(element: object, name: str, feature: Any) -> None:
    """Append a value to the list of its kind, which must be the feature's only one."""
    kind, value = _feature_value(element, name)
    if feature.WhichOneof("kind") not in {None, kind}:
        other = feature.WhichOneof("kind").removesuffix("_list")
        raise InvalidArgument(f"Unexpected element type in feature: {name} expecting type: {other}")
    getattr(feature, kind).value.append(value)


def _feature_value(element: object, name: str) -> tuple[str, Any]:
    if isinstance(element, bool):
        return "int64_list", int(element)
    if isinstance(element, str):
        return "bytes_list", encode(element)
    if isinstance(element, float):
        with np.errstate(over="ignore"):
            return "float_list", np.float32(element)
    if isinstance(element, int) and abs(element) > _MAX_INT64:
        raise InvalidArgument(f"Feature: {name} has uint64 element. Only int64 is supported.")
    if isinstance(element, int):
        return "int64_list", element
    if isinstance(element, dict) and is_base64(element):
        return "bytes_list", decode_base64(element["b64"])
    raise InvalidArgument(
        f"Feature: {name} has element with unexpected JSON type: {json_type(element)}"
    )


def _classifications(
    classes: Array | None, scores: Array | None, count: int
) -> list[list[list[Any]]]:
    for name, output in ((_CLASSES, classes), (_SCORES, scores)):
        if output is None:
            continue
        if output.ndim != 2:  # noqa: PLR2004 - batch and classes
            raise InvalidArgument(
                f"Expected Tensor shape: [batch_size num_classes] but got {_show(output)}"
            )
        if len(output) != count:
            raise InvalidArgument(
                f"Expected {name} output batch size of {count}. Got: {len(output)}"
            )
    if classes is not None and classes.dtype != np.object_:
        raise InvalidArgument(f"Expected classes Tensor of DT_STRING. Got: {classes.dtype}")
    if scores is not None:
        _check_floats(_SCORES, scores)
    if classes is not None and scores is not None and classes.shape != scores.shape:
        raise InvalidArgument(
            "Tensors class and score should match in dim_size(1). Got "
            f"{classes.shape[1]} vs. {scores.shape[1]}"
        )
    width = (classes if classes is not None else scores).shape[1]  # type: ignore[union-attr]
    labels = (
        [[label.decode(errors="replace") for label in row] for row in classes]
        if classes is not None
        else [[""] * width] * count
    )
    numbers = _shortest(scores) if scores is not None else [[0.0] * width] * count
    return [
        [list(pair) for pair in zip(*rows, strict=True)]
        for rows in zip(labels, numbers, strict=True)
    ]


def _check_floats(name: str, values: Array) -> None:
    if values.dtype != np.float32:
        raise InvalidArgument(f"Expected {name} Tensor of DT_FLOAT. Got: {values.dtype}")


def _shortest(values: Array) -> Any:
    """Each float32 as the double of the shortest form that tells it apart."""
    return values.astype(np.str_).astype(np.float64).tolist()


def _dumps(results: object) -> bytes:
    return json.dumps({"results": results}, ensure_ascii=False, separators=(",", ":")).encode()


def _show(values: Array) -> str:
    return f"[{','.join(map(str, values.shape))}]"
