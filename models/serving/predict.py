"""One `:predict` request: its JSON body in, its JSON answer out."""

from __future__ import annotations

import json
from functools import partial
from operator import methodcaller
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pybase64

from models.serving.errors import ServingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.serving.saved_model import Array, SavedModel, Signature

_ROWS = "instances"
_BASE64 = {"b64"}
_plain = methodcaller("tolist")  # for what orjson or `json` cannot write of NumPy
_BYTES_SUFFIX = "_bytes"  # TF Serving's only sign that an output is not text


def predict(model: SavedModel, body: bytes) -> bytes:
    """Answer the JSON body of a `:predict` request with the JSON of its response.

    Raises ServingError where the body does not fit the signature, or the model fails.
    """
    request = _parse(body)
    signature = model.signature(request.get("signature_name"))
    outputs = model.run(signature, _from_rows(request.get(_ROWS), signature))
    return _dumps(_by_row(_json_values(outputs)), outputs)


def _parse(body: bytes) -> dict[str, Any]:
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ServingError(f"the body is not valid JSON: {error}") from error
    if not isinstance(request, dict):
        raise ServingError("the body is not a JSON object")
    return request


def _from_rows(rows: object, signature: Signature) -> Mapping[str, Array]:
    """Each row is a value, or an object with one for each input."""
    if not isinstance(rows, list) or not rows:
        raise ServingError(f"{_ROWS!r} must be a list with at least one element")
    if not isinstance(rows[0], dict) or rows[0].keys() == _BASE64:
        if len(signature.inputs) != 1:
            raise ServingError(f"name the inputs; there is: {', '.join(signature.inputs)}")
        ((name, dtype),) = signature.inputs.items()
        return {name: _tensor(name, rows, dtype)}
    for number, row in enumerate(rows):
        if not isinstance(row, dict) or row.keys() != signature.inputs.keys():
            names = ", ".join(signature.inputs)
            raise ServingError(f"element {number} of {_ROWS!r} must be an object with: {names}")
    return {
        name: _tensor(name, [row[name] for row in rows], dtype)
        for name, dtype in signature.inputs.items()
    }


def _tensor(name: str, value: Any, dtype: np.dtype[Any]) -> Array:
    """Nested lists as an array of their shape.

    Floats are rounded; any other value has to be in its type's range. Raises ServingError.
    """
    try:
        if dtype.kind == "O":
            return _strings(value)
        tensor: Array = np.array(value, dtype)
    except (ValueError, TypeError, OverflowError) as error:  # ragged lists, other types
        raise ServingError(f"input {name}: {error}") from error
    # NumPy would make NaN of null, and a whole number of a fraction.
    fits = not np.isnan(tensor).any() if dtype.kind == "f" else np.array_equal(tensor, value)
    if not fits:
        raise ServingError(f"input {name} has a value that is not of type {dtype}")
    return tensor


def _strings(value: Any) -> Array:
    leaves: Array = np.array(value, np.object_)
    tensor: Array = np.empty(leaves.size, np.object_)
    # Filled by slice: np.array() would cut bytes at a trailing zero.
    tensor[:] = [_bytes(leaf) for leaf in leaves.ravel()]
    return tensor.reshape(leaves.shape)


def _bytes(value: object) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict) and value.keys() == _BASE64 and isinstance(value["b64"], str):
        return pybase64.b64decode(value["b64"], validate=True)
    raise TypeError('a string is written as "text" or {"b64": "..."}')


def _by_row(values: Mapping[str, Any]) -> Any:
    counts = {len(array) if np.ndim(array) else None for array in values.values()}
    if len(counts) != 1 or None in counts:
        raise ServingError("the outputs have no common batch size")
    if len(values) == 1:
        return next(iter(values.values()))
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


def _json_values(outputs: Mapping[str, Array]) -> dict[str, Any]:
    """Bytes become text or base64; numbers stay arrays, which `_dumps` writes."""
    return {
        name: np.frompyfunc(partial(_text, name), 1, 1)(array) if array.dtype.kind == "O" else array
        for name, array in outputs.items()
    }


def _text(name: str, value: bytes) -> object:
    if name.endswith(_BYTES_SUFFIX):
        return {"b64": pybase64.b64encode_as_string(value)}
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        # TF Serving would send the bytes unchanged, and the body would not be valid JSON.
        raise ServingError(
            f"output {name} is not UTF-8; one named *{_BYTES_SUFFIX} is sent as base64"
        ) from error


def _dumps(rows: object, outputs: Mapping[str, Array]) -> bytes:
    """Write NaN as TF Serving does: orjson, ten times as fast as `json`, would write null."""
    answer = {"predictions": rows}
    if all(np.isfinite(array).all() for array in outputs.values() if array.dtype.kind == "f"):
        return orjson.dumps(answer, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY)
    return json.dumps(answer, default=_plain).encode()
