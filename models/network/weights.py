"""What a bundle adds to the published backbone: its head and, fine-tuned, its last blocks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Self

import numpy as np

from models.arrays import Floats
from parrot.errors import BadBundle
from parrot.model import npz
from parrot.model.manifest import HEAD, LAST_BLOCKS

HEAD_FILE, TAIL_FILE = HEAD, LAST_BLOCKS


@dataclass(frozen=True, slots=True)
class SpeciesHead:
    """softmax((features @ weights + bias) / temperature); weights (features, classes)."""

    weights: Floats
    bias: Floats
    temperature: float = 1.0

    def dump(self) -> bytes:
        """The head as `head.npz`."""
        temperature = np.array(self.temperature, np.float32)
        return npz.dump(weights=self.weights, bias=self.bias, temperature=temperature)

    @classmethod
    def load(cls, data: bytes) -> SpeciesHead:
        """Read `head.npz`; pickled arrays are refused. Raises BadBundle."""
        with npz.reading(HEAD_FILE):
            file = npz.arrays(data)
            return cls(file["weights"], file["bias"], float(file["temperature"]))


@dataclass(frozen=True, slots=True)
class Tail:
    """Kernels and biases in the order in which they are applied, the head convolution last."""

    kernels: tuple[Floats, ...]
    biases: tuple[Floats, ...]

    def rounded(self) -> Self:
        """As they are after being written and read: what heads must be fitted to."""
        kernels, biases = (
            tuple(np.asarray(array, np.float16).astype(np.float32) for array in arrays)
            for arrays in (self.kernels, self.biases)
        )
        return type(self)(kernels, biases)

    def digest(self) -> str:
        """Tells apart what is computed with these weights."""
        arrays = (array.astype(np.float16).tobytes() for array in (*self.kernels, *self.biases))
        return hashlib.sha256(b"".join(arrays)).hexdigest()

    def dump(self) -> bytes:
        """The weights as `backbone.npz`."""
        arrays = {f"kernel_{n}": kernel.astype(np.float16) for n, kernel in enumerate(self.kernels)}
        arrays |= {f"bias_{n}": bias.astype(np.float16) for n, bias in enumerate(self.biases)}
        return npz.dump(**arrays)

    @classmethod
    def load(cls, data: bytes) -> Self:
        """Read `backbone.npz`; pickled arrays are refused. Raises BadBundle."""
        with npz.reading(TAIL_FILE):
            file = npz.arrays(data)
            count = sum(name.startswith("kernel_") for name in file)
            kernels, biases = (
                tuple(file[f"{part}_{n}"].astype(np.float32) for n in range(count))
                for part in ("kernel", "bias")
            )
        if not all(np.isfinite(array).all() for array in (*kernels, *biases)):
            raise BadBundle(f"{TAIL_FILE} contains numbers that are not finite")
        return cls(kernels, biases)
