"""The species head: features to one probability a species. Small enough to be committed."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from parrot.records import Floats


@dataclass(frozen=True, slots=True)
class SpeciesHead:
    """softmax((features @ weights + bias) / temperature); weights (features, classes)."""

    weights: Floats
    bias: Floats
    temperature: float = 1.0

    @property
    def folded(self) -> tuple[Floats, Floats]:
        """Weights and bias with the temperature divided in: what a served model needs."""
        scale = np.float32(1 / self.temperature)
        return self.weights * scale, self.bias * scale

    def probabilities(self, features: Floats) -> Floats:
        """(n, features) to (n, classes)."""
        weights, bias = self.folded
        logits = features @ weights + bias
        exp = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(exp / exp.sum(axis=1, keepdims=True), np.float32)

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
