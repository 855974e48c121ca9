"""Tensors -> the JSON of an answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pybase64

from local.model_server.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local.model_server.signatures import Array

    Writer = Callable[[object], bytes]

_BYTES_SUFFIX = "_bytes"
_INTEGER_TYPES = {"int8", "int16", "int32", "int64", "uint8", "uint32", "uint64"}
_NUMBER_TYPES = _INTEGER_TYPES | {"bool", "float32", "float64"}


def rows(outputs: Mapping[str, Array]) -> bytes:
    """Answer `instances`: one value (or object, for several outputs) per row.

    Raises:
        InvalidArgument: an output has no batch dimension, or not the others' size; or its type
            has no JSON form.
    """
    _check_batch_sizes(outputs)
    values, write = _columns(outputs)
    if len(values) == 1:
        (predictions,) = values.values()
        return write({"predictions": predictions})
    by_row = zip(*values.values(), strict=True)
    return write({"predictions": [dict(zip(values, row, strict=True)) for row in by_row]})


def columns(outputs: Mapping[str, Array]) -> bytes:
    """Answer `inputs`: one value per output, without its name if it is the only one.

    Raises:
        InvalidArgument: an output's type has no JSON form.
    """
    values, write = _columns(outputs)
    if len(values) == 1:
        (only,) = values.values()
        return write({"outputs": only})
    return write({"outputs": values})


def dumps(value: object) -> bytes:
    """Write compact UTF-8 JSON of a value without NaN or Infinity; arrays may be inside."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def _dumps_non_finite(value: object) -> bytes:
    """Write the same with NaN and Infinity bare, as TF Serving does."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _check_batch_sizes(outputs: Mapping[str, Array]) -> None:
    expected: int | None = None
    for name, array in outputs.items():
        if array.ndim == 0:
            raise InvalidArgument(
                f"Tensor name: {name} has no shape information (it is a scalar, so there are no "
                "rows; ask with 'inputs')"
            )
        if expected not in {None, array.shape[0]}:
            raise InvalidArgument(
                f"Tensor name: {name} has inconsistent batch size: {array.shape[0]} "
                f"expecting: {expected}"
            )
        expected = array.shape[0]


def _columns(outputs: Mapping[str, Array]) -> tuple[dict[str, Any], Writer]:
    """Convert each output for the writer that is returned with them.

    orjson is ten times as fast as `json` and writes a float32 in its shortest form, but it cannot
    write NaN: an answer with one takes the slow path, which gets the shortest form from NumPy.
    """
    finite = all(np.isfinite(array).all() for array in outputs.values() if array.dtype.kind == "f")
    values: dict[str, Any] = {}
    for name, array in outputs.items():
        if array.dtype == np.object_:
            values[name] = _strings(name, array)
        elif array.dtype.name not in _NUMBER_TYPES:
            raise InvalidArgument(
                f"Failed to write JSON value for tensor type: {array.dtype.name} (output {name})"
            )
        elif finite:
            values[name] = array[()]  # orjson needs a scalar outside its array
        elif array.dtype == np.float32:
            values[name] = array.astype(np.str_).astype(np.float64).tolist()
        else:
            values[name] = array.tolist()
    return values, dumps if finite else _dumps_non_finite


def _strings(name: str, array: Array) -> object:
    as_bytes = name.endswith(_BYTES_SUFFIX)
    flat: Array = np.empty(array.size, dtype=np.object_)
    flat[:] = [_base64(value) if as_bytes else _text(name, value) for value in array.ravel()]
    return flat.reshape(array.shape).tolist()


def _base64(value: bytes) -> dict[str, str]:
    return {"b64": pybase64.b64encode_as_string(value)}


def _text(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        # TF Serving would send the bytes unchanged, and the body would not be valid JSON.
        raise InvalidArgument(
            f"Output {name} is not UTF-8; an output named *{_BYTES_SUFFIX} is sent as base64"
        ) from error
