"""Which species are in the set, given their probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class SetPolicy:
    """The set includes the true species with probability `coverage`.

    It is empty if "another parrot" has a probability of `other` or more. Otherwise it contains
    each class whose share among the known classes is `share` or more.
    """

    coverage: float
    other: float
    share: float

    def classes(self, probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """(n, classes + 1) probabilities, "another parrot" last, to (n, classes) flags."""
        other, known = probabilities[:, -1:], probabilities[:, :-1]
        shares = known / known.sum(axis=1, keepdims=True).clip(_TINY)
        chosen: npt.NDArray[np.bool_] = (shares >= self.share) & (other < self.other)
        return chosen
