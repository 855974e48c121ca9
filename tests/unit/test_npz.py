"""Arrays of a bundle are made only if their sizes are what the file contains."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest
from numpy.lib import format as npy

from models.network.weights import SpeciesHead
from parrot.errors import BadBundle
from parrot.model import npz
from parrot.model.heads import Gate, Naming


def file(header: dict[str, object], data: bytes) -> bytes:
    """An .npz whose one array has this header."""
    raw, packed = io.BytesIO(), io.BytesIO()
    npy.write_array_header_1_0(raw, header)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("kind.npy", raw.getvalue() + data)
    return packed.getvalue()


def header(*shape: int, descr: str = "<f8") -> dict[str, object]:
    return {"shape": shape, "fortran_order": False, "descr": descr}


def test_what_numpy_writes_is_read_back() -> None:
    """By rows and by columns, empty and without dimensions."""
    arrays = {
        "a": np.arange(6.0).reshape(2, 3),
        "b": np.asfortranarray(np.arange(6, dtype=np.float16).reshape(2, 3)),
        "c": np.zeros((0, 3)),
        "d": np.array("three-way"),
        "e": np.array(["x", "yy"]),
    }
    read = npz.arrays(npz.dump(**arrays))
    assert list(read) == list(arrays)
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)


@pytest.mark.parametrize(
    ("claimed", "length"),
    [
        (header(10**10), 0),
        (header(2**62, 2**62), 0),
        (header(-1, -1), 8),
        (header(1, descr="|O"), 8),
        (header(1), 9),
        (header(2**25), 8 * 2**25),  # 256 MiB of zeros in 250 kB
    ],
    ids=["huge", "overflow", "negative", "pickle", "longer", "packed"],
)
def test_sizes_that_are_only_claimed_cost_nothing(claimed: dict[str, object], length: int) -> None:
    """A bundle is read where a function starts, in half a gigabyte of memory."""
    data = file(claimed, bytes(length))
    tracemalloc.start()
    try:
        for load in (Gate.load, Naming.load, SpeciesHead.load):
            with pytest.raises(BadBundle, match="cannot be read"):
                load(data)
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()
