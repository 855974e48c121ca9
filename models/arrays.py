"""Names for the types of arrays, and records of arrays."""

from collections.abc import Callable, Sequence
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
    record: R = by_field(lambda *arrays: np.concatenate(arrays)[order], [rows for _, rows in parts])
    return record


def by_field(work: Callable[..., Any], records: Sequence[Any]) -> Any:
    """A record of what `work` makes of the arrays of each field; what is no array stays."""
    first: Any = records[0]
    if isinstance(first, np.ndarray):
        return work(*records)
    if not is_dataclass(first):
        return first
    columns = ([getattr(record, field.name) for record in records] for field in fields(first))
    return type(records[0])(*(by_field(work, column) for column in columns))
