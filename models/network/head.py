"""The species head: features to one probability per species. Small enough to commit."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from parrot.records import Floats

HEAD_FILE = "head.npz"
Real = TypeVar("Real", np.float32, np.float64)


@dataclass(frozen=True, slots=True)
class SpeciesHead:
    """softmax((features @ weights + bias) / temperature); weights (features, classes)."""

    weights: Floats
    bias: Floats
    temperature: float = 1.0

    def logits(self, features: Floats) -> Floats:
        """(n, features) to (n, classes), before the temperature."""
        return np.asarray(features @ self.weights + self.bias, np.float32)

    def probabilities(self, features: Floats) -> Floats:
        """(n, features) to (n, classes)."""
        return softmax(self.logits(features) / np.float32(self.temperature))

    def dump(self) -> bytes:
        """The head as `head.npz`."""
        out = io.BytesIO()
        np.savez_compressed(
            out, weights=self.weights, bias=self.bias, temperature=np.float32(self.temperature)
        )
        return out.getvalue()

    @classmethod
    def load(cls, data: bytes) -> SpeciesHead:
        """Read `head.npz`."""
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            return cls(file["weights"], file["bias"], float(file["temperature"]))


def softmax(logits: npt.NDArray[Real]) -> npt.NDArray[Real]:
    """Rows of logits to probabilities of the same precision."""
    exp = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exp / exp.sum(axis=1, keepdims=True), logits.dtype)
