"""The `.npz` files of a bundle: no array is made before its size is known to be right.

NumPy's own reader makes an array as large as its header says, and unpacks as much as there is: a
file of 100 kB can ask for any amount of memory.
"""

from __future__ import annotations

import io
import math
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy

from parrot.errors import BadBundle

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

_MOST_BYTES = 128 * 2**20  # of all arrays together; the largest real ones have a tenth of that
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def dump(**arrays: npt.NDArray[Any]) -> bytes:
    """The content of a file with these arrays, none of them pickled."""
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, **arrays)
    return out.getvalue()


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Whatever goes wrong in here is a BadBundle that names the file."""
    try:
        yield
    except BadBundle:
        raise
    except Exception as error:  # zip, header, key and shape errors alike: the file is damaged
        raise BadBundle(f"{name} cannot be read: {error!r}") from error


def arrays(data: bytes) -> dict[str, npt.NDArray[Any]]:
    """All arrays by name, read-only.

    Raises ValueError for pickled arrays, and for sizes that are too large or contradict each other;
    zipfile's and NumPy's own errors for damaged files.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        size = sum(member.file_size for member in members)
        if size > _MOST_BYTES:
            raise ValueError(f"{size:,} bytes of arrays, more than {_MOST_BYTES:,}")
        return {member.filename.removesuffix(".npy"): _array(archive, member) for member in members}


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> npt.NDArray[Any]:
    with archive.open(member) as file:
        shape, by_column, dtype = _HEADERS[npy.read_magic(file)](file)
        size, expected = member.file_size - file.tell(), math.prod(shape) * dtype.itemsize
        if dtype.hasobject or size != expected:
            raise ValueError(f"{member.filename}: {dtype} of {shape} in {size:,} bytes")
        return np.ndarray(shape, dtype, file.read(), order="F" if by_column else "C")
