"""Features to a short unit vector: photos that look alike are near each other.

Two vectors can be compared only if the same projection made them: `space` names it, and stays the
same while a bundle keeps the file. `Embedding.load` and `Embedding.dump` are the only readers and
writers of `embedding.npz`, which a bundle may do without.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from parrot.errors import BadBundle
from parrot.model import npz
from parrot.records import Embedded

if TYPE_CHECKING:
    import numpy.typing as npt

    from parrot.records import Floats

    Halves = npt.NDArray[np.float16]

DIMENSIONS = 64  # as Firestore's indexes say
_ARRAYS = ("mean", "components", "centroids")
_DECIMALS = 5  # as stored
_SMALLEST = 1e-9  # what lengths are divided by, at least


@dataclass(frozen=True, slots=True)
class Embedding:
    """mean (d,) and components (d, 64) of the projection; centroids (c, 64), unit vectors."""

    mean: Floats
    components: Floats
    centroids: Floats  # of every kind of photo that the bundle was fitted on
    space: str  # names mean and components, 16 hex digits

    @classmethod
    def of(cls, mean: Halves, components: Halves, centroids: Halves) -> Embedding:
        """As it is stored: in half precision, so that a fit and its file give the same vectors."""
        space = hashlib.sha256(mean.tobytes() + components.tobytes()).hexdigest()[:16]
        single = np.float32
        return cls(mean.astype(single), components.astype(single), centroids.astype(single), space)

    def vectors(self, features: Floats) -> Floats:
        """(..., d) to unit vectors (..., 64)."""
        return unit(np.asarray(features - self.mean, np.float32) @ self.components)

    def distance(self, vectors: Floats) -> Floats:
        """(..., 64) to (...): 1 - cosine to the nearest centroid; 0 is familiar, 2 the opposite."""
        return np.asarray(1 - (vectors @ self.centroids.T).max(axis=-1), np.float32)

    def embedded(self, features: Floats) -> Embedded:
        """One photo's features (d,)."""
        vector = self.vectors(features)
        numbers = vector.astype(np.float64).round(_DECIMALS).tolist()
        return Embedded(self.space, tuple(numbers), float(self.distance(vector)))

    def dump(self) -> bytes:
        """The content of `embedding.npz`."""
        return npz.dump(**{name: getattr(self, name).astype(np.float16) for name in _ARRAYS})

    @classmethod
    def load(cls, data: bytes) -> Embedding:
        """Read `embedding.npz`; pickled arrays are refused. Raises BadBundle."""
        with npz.reading("embedding.npz"):
            file = npz.arrays(data)
            arrays = [file[name] for name in _ARRAYS]
        (*features,), (*projection,), (*kinds,) = (array.shape for array in arrays)
        if projection != [*features, DIMENSIONS] or kinds[1:] != [DIMENSIONS] or not kinds[0]:
            raise BadBundle(f"embedding.npz: arrays of {features}, {projection} and {kinds}")
        if any(array.dtype != np.float16 or not np.isfinite(array).all() for array in arrays):
            raise BadBundle("embedding.npz: not finite numbers in half precision")
        return cls.of(*arrays)


def unit(vectors: Floats) -> Floats:
    """The same directions, length 1."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, _SMALLEST), np.float32)
