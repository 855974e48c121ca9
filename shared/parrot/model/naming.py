"""Features to the probabilities of species and of groups.

Beside the classes of `species.csv` there is one more, "another parrot", so that a parrot of no
known species need not become one of them. All figures come from one softmax: what is in the set
is always at least as likely as what is not. `Naming.load` and `Naming.dump` are the only readers
and writers of `naming.npz`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from parrot.errors import BadBundle
from parrot.model import npz

if TYPE_CHECKING:
    from parrot.records import Floats


@dataclass(frozen=True, slots=True)
class Softmax:
    """Calibrated multinomial logistic regression: weights (features, classes), biases (classes)."""

    weights: Floats
    biases: Floats

    def __call__(self, features: Floats) -> Floats:
        """(n, features) to probabilities (n, classes)."""
        logits = features @ self.weights + self.biases
        if not logits.shape[1]:
            return logits  # a person's own photos may be of no known groups
        exp = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(exp / exp.sum(axis=1, keepdims=True), np.float32)


@dataclass(frozen=True, slots=True)
class Naming:
    """`species` gives one probability per class and "another parrot"; `groups` one per group."""

    species: Softmax
    groups: Softmax
    group_ids: tuple[str, ...]

    def dump(self) -> bytes:
        """The heads as `naming.npz`."""
        return npz.dump(
            species_weights=self.species.weights,
            species_biases=self.species.biases,
            group_weights=self.groups.weights,
            group_biases=self.groups.biases,
            group_ids=np.array(self.group_ids),
        )

    @classmethod
    def load(cls, data: bytes) -> Naming:
        """Read `naming.npz`; pickled arrays are refused. Raises BadBundle."""
        with npz.reading("naming.npz"):
            file = npz.arrays(data)
            species, groups = (
                Softmax(
                    file[f"{part}_weights"].astype(np.float32),
                    file[f"{part}_biases"].astype(np.float32),
                )
                for part in ("species", "group")
            )
            ids = tuple(str(group) for group in file["group_ids"])
        for head, classes in ((species, len(species.biases)), (groups, len(ids))):
            if head.weights.shape != (*species.weights.shape[:1], classes):
                raise BadBundle(f"naming.npz: {head.weights.shape} weights for {classes} classes")
        return cls(species, groups, ids)
