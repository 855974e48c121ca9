"""Where a photo lies among others, and how far two are apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import mul

FAR = 0.4  # photos so far apart, or more, have little in common


@dataclass(frozen=True, slots=True)
class Embedded:
    """Where a photo lies among others: see `model.embedding`."""

    space: str  # vectors of different spaces cannot be compared
    vector: tuple[float, ...] = field(repr=False)  # of length 1
    distance: float  # from what the bundle was fitted on, 0 to 2

    def apart(self, other: Embedded) -> float:
        """1 - cosine of two of one space: 0 for the same photo, 2 for opposites."""
        cosine: float = sum(map(mul, self.vector, other.vector))
        return max(0.0, 1 - cosine)
