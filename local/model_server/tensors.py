"""JSON values -> tensors, as TF Serving converts them and with its error messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pybase64

from local.model_server.bodies import preview
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
_TYPE_NAMES = {"float16": "half", "float32": "float", "float64": "double"}  # where C++ differs
_MAX_RANK = 64  # NumPy's own limit


def is_base64(value: object) -> bool:
    """Whether this JSON value stands for bytes: `{"b64": "..."}` and no other key."""
    return type(value) is dict and value.keys() == {"b64"} and isinstance(value["b64"], str)


def json_type(value: object) -> str:
    """What TF Serving calls the type of a JSON value."""
    if value is None or isinstance(value, bool):
        return {None: "Null", True: "True", False: "False"}[value]
    if isinstance(value, list):
        return "Array"
    if isinstance(value, dict):
        return "Object"
    return "String" if isinstance(value, str) else "Number"


def from_json(value: object, spec: TensorSpec) -> Array:
    """Turn nested lists (or one scalar) into an array of the input's type.

    Numbers for a float input become the nearest float, or Infinity where they are too large.

    Returns: an array of the lists' shape; strings become an object array of bytes.

    Raises:
        InvalidArgument: ragged lists, a wrong type, bad base64.
        Unimplemented: the input's type has no JSON form (half precision, say).
    """
    shape = shape_of(value)
    leaves = _leaves(value, shape)
    dtype = _NUMPY_TYPES.get(spec.dtype)
    if dtype is None:
        raise Unimplemented(
            f"Conversion of JSON Value: {preview(value)} to type: {_type_name(spec.dtype)}"
        )
    _check_types(leaves, spec.dtype, rank=len(shape))
    if spec.dtype == "string":
        # Filled by slice: np.array() would cut bytes at a trailing zero.
        flat: Array = np.empty(len(leaves), dtype=np.object_)
        flat[:] = [_string(leaf) for leaf in leaves]
        return flat.reshape(shape)
    if spec.dtype in _FLOATS:
        with np.errstate(over="ignore"):
            return np.array(leaves, np.float64).astype(dtype, copy=False).reshape(shape)
    try:
        return np.array(leaves, dtype=dtype).reshape(shape)
    except OverflowError as error:
        raise InvalidArgument(
            f"A value of input {spec.name} is out of range for {spec.dtype}"
        ) from error


def shape_of(value: object) -> tuple[int, ...]:
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


def decode_base64(text: str) -> bytes:
    """Decode standard base64; white space and missing padding are forgiven, as in TF Serving."""
    try:
        return pybase64.b64decode(text, validate=True)
    except ValueError:  # including binascii.Error; non-ASCII text raises a plain ValueError
        compact = "".join(text.split())
        padding = "" if compact.endswith("=") else "=" * (-len(compact) % 4)
    try:
        return pybase64.b64decode(compact + padding, validate=True)
    except ValueError as error:
        raise InvalidArgument("Unable to base64 decode") from error


def encode(text: str) -> bytes:
    """A JSON string as UTF-8."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidArgument(
            "A string has an unpaired surrogate and cannot be encoded in UTF-8"
        ) from error


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
                    f"JSON Value: {preview(item)} found at incorrect level: {level + 1} "
                    f"in the JSON DOM. Expected at level: {len(shape)}"
                )
            if len(item) != size:
                raise InvalidArgument(
                    f"Encountered list at unexpected size: {len(item)} at level: {level} "
                    f"expected size: {size}"
                )
            below.extend(item)
        level_values = below
    return level_values


def _check_types(leaves: list[Any], dtype: str, *, rank: int) -> None:
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
        raise InvalidArgument(f"Encountered list at unexpected level: {rank} expected < {rank}")
    if dtype == "string" and isinstance(culprit, dict):
        raise _not_base64(culprit)
    raise InvalidArgument(
        f"JSON Value: {preview(culprit)} Type: {json_type(culprit)} "
        f"is not of expected type: {_type_name(dtype)}"
    )


def _string(leaf: str | dict[str, Any]) -> bytes:
    if isinstance(leaf, str):
        return encode(leaf)
    if not is_base64(leaf):
        raise _not_base64(leaf)
    return decode_base64(leaf["b64"])


def _not_base64(value: object) -> InvalidArgument:
    return InvalidArgument(f"JSON Value: {preview(value)} not formatted correctly for base64 data")


def _type_name(dtype: str) -> str:
    return _TYPE_NAMES.get(dtype, dtype)
