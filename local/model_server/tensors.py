"""JSON values -> tensors, as strict as TF Serving: nothing is converted silently."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pybase64

from local.model_server.errors import InvalidArgument, Unimplemented

if TYPE_CHECKING:
    from local.model_server.signatures import Array, TensorSpec

_NUMPY_TYPES: dict[str, type] = {
    "float32": np.float32,
    "float64": np.float64,
    "int8": np.int8,
    "int16": np.int16,
    "int32": np.int32,
    "int64": np.int64,
    "uint8": np.uint8,
    "uint32": np.uint32,
    "uint64": np.uint64,
    "bool": np.bool_,
    "string": np.object_,
}
_FLOATS = {"float32", "float64"}
_JSON_TYPE_NAMES: dict[type, str] = {
    type(None): "Null",
    bool: "Boolean",
    int: "Number",
    float: "Number",
    str: "String",
    list: "Array",
    dict: "Object",
}
_PREVIEW_CHARS = 80
_MAX_RANK = 64  # NumPy's own limit


def is_base64(value: object) -> bool:
    """Whether this JSON value stands for bytes: `{"b64": "..."}` and no other key."""
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def preview(value: object) -> str:
    """Write a JSON value for an error message, cut short."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:  # orjson reads deeper nesting than json can write
        return "(nested too deeply to show)"
    return text if len(text) <= _PREVIEW_CHARS else f"{text[:_PREVIEW_CHARS]}..."


def from_json(value: object, spec: TensorSpec) -> Array:
    """Turn nested lists (or one scalar) into an array of the input's type.

    Returns: an array of the lists' shape; strings become an object array of bytes.

    Raises:
        InvalidArgument: ragged lists, a wrong type, a lossy number, bad base64, a wrong shape.
        Unimplemented: the input's type has no JSON form (half precision, say).
    """
    dtype = _NUMPY_TYPES.get(spec.dtype)
    if dtype is None:
        raise Unimplemented(
            f"Conversion of JSON to type {spec.dtype} is not supported (input {spec.name})"
        )
    shape = _shape(value)
    leaves = _leaves(value, shape)
    _check_types(leaves, spec.dtype)
    if not spec.accepts(shape):
        raise InvalidArgument(
            f"Input {spec.name} has shape {_show(spec.shape)} but got {_show(shape)}"
        )
    if spec.dtype == "string":
        # Filled by slice: np.array() would cut bytes at a trailing zero.
        flat: Array = np.empty(len(leaves), dtype=np.object_)
        flat[:] = [_string(leaf) for leaf in leaves]
        return flat.reshape(shape)
    if spec.dtype in _FLOATS:
        return _floats(leaves, dtype).reshape(shape)
    try:
        return np.array(leaves, dtype=dtype).reshape(shape)
    except OverflowError as error:
        raise InvalidArgument(
            f"A value of input {spec.name} is out of range for {spec.dtype}"
        ) from error


def _shape(value: object) -> tuple[int, ...]:
    """Read the shape that the first element of each level promises."""
    shape: list[int] = []
    while isinstance(value, list):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    if len(shape) > _MAX_RANK:
        raise InvalidArgument(
            f"Lists are nested {len(shape)} deep; at most {_MAX_RANK} are supported"
        )
    return tuple(shape)


def _leaves(value: object, shape: tuple[int, ...]) -> list[Any]:
    """Collect the innermost values, row by row; every list must have its level's size.

    Level by level rather than recursively, so that the inner loop is `list.extend`.
    """
    level_values: list[Any] = [value]
    for level, size in enumerate(shape):
        below: list[Any] = []
        for item in level_values:
            if type(item) is not list:
                raise InvalidArgument(
                    f"JSON Value: {preview(item)} found at incorrect level: {level}"
                )
            if len(item) != size:
                raise InvalidArgument(
                    f"Encountered list at unexpected size: {len(item)} at level: {level} "
                    f"expected size: {size}"
                )
            below.extend(item)
        level_values = below
    return level_values


def _check_types(leaves: list[Any], dtype: str) -> None:
    allowed: set[type]
    if dtype in _FLOATS:
        allowed = {int, float}
    elif dtype == "string":
        allowed = {str, dict}
    else:
        allowed = {bool} if dtype == "bool" else {int}
    unexpected = set(map(type, leaves)) - allowed
    if not unexpected:
        return
    culprit = next(leaf for leaf in leaves if type(leaf) in unexpected)
    if isinstance(culprit, list):
        raise InvalidArgument(f"Encountered list at unexpected level: {preview(culprit)}")
    raise InvalidArgument(
        f"JSON Value: {preview(culprit)} Type: {_JSON_TYPE_NAMES[type(culprit)]} "
        f"is not of expected type: {dtype}"
    )


def _floats(leaves: list[Any], dtype: type) -> Array:
    """Floats, refusing whole numbers and magnitudes that the type cannot hold exactly."""
    limits = np.finfo(dtype)
    largest_whole = 2 ** (limits.nmant + 1) - 1
    if int in set(map(type, leaves)):
        for leaf in leaves:
            if type(leaf) is int and abs(leaf) > largest_whole:
                raise InvalidArgument(
                    f"Cannot convert JSON value: {preview(leaf)} to float without loss"
                )
    doubles = np.array(leaves, dtype=np.float64)
    too_large = np.isfinite(doubles) & (np.abs(doubles) > limits.max)
    if too_large.any():
        raise InvalidArgument(
            f"Cannot convert JSON value: {doubles[too_large][0]} to float without loss"
        )
    return doubles.astype(dtype, copy=False)


def _string(leaf: str | dict[str, Any]) -> bytes:
    if isinstance(leaf, str):
        try:
            return leaf.encode()
        except UnicodeEncodeError as error:
            raise InvalidArgument(
                "A string has an unpaired surrogate and cannot be encoded in UTF-8"
            ) from error
    if not is_base64(leaf):
        raise InvalidArgument(
            f"JSON Value: {preview(leaf)} not formatted correctly for base64 data"
        )
    return _from_base64(leaf["b64"])


def _from_base64(text: str) -> bytes:
    """Decode standard base64; white space and missing padding are forgiven, as in TF Serving."""
    try:
        return pybase64.b64decode(text, validate=True)
    except ValueError:  # including binascii.Error; non-ASCII text raises a plain ValueError
        compact = "".join(text.split())
        padding = "" if compact.endswith("=") else "=" * (-len(compact) % 4)
    try:
        return pybase64.b64decode(compact + padding, validate=True)
    except ValueError as error:
        raise InvalidArgument(f"Unable to base64 decode: {error}") from error


def _show(shape: tuple[int | None, ...] | None) -> str:
    if shape is None:
        return "[?]"
    return f"[{','.join('?' if size is None else str(size) for size in shape)}]"
