"""Names for the types of arrays, and records of arrays."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
Halves = npt.NDArray[np.float16]
Index = npt.NDArray[np.intp]
R = TypeVar("R")


def of_each(parts: Sequence[tuple[Index, R]]) -> R:
    """A record with the rows of every photo in order, from a record for each part of the photos."""
    order = np.argsort(np.concatenate([photos for photos, _ in parts]))
    record: R = _joined([rows for _, rows in parts], order)
    return record


def _joined(values: Sequence[Any], order: Index) -> Any:
    """Field by field; None stays None."""
    if isinstance(values[0], np.ndarray):
        return np.concatenate(values)[order]
    record: Any = values[0]
    if not is_dataclass(record):
        return record
    names = [field.name for field in fields(record)]
    columns = ([getattr(row, name) for row in values] for name in names)
    return type(values[0])(*(_joined(column, order) for column in columns))
