"""How what is said of several photos of one bird is joined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.floating]
    Flags = npt.NDArray[np.bool_]

_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class JointPolicy:
    """Photos of one bird are often alike and err alike: they are averaged, not multiplied.

    Where one shows a parrot, no other lowers the sum of the log odds by more than `doubt`: what a
    photo does not show, or not clearly, says little about what another shows.
    """

    doubt: float = 1.0

    def parrot(self, probabilities: Array, threshold: float) -> float:
        """The joint probability of parrot, between the lowest and the highest.

        It reaches the threshold only if one of the photos does.
        """
        import numpy as np

        inner = np.clip(probabilities, _TINY, 1 - _TINY)
        odds = np.log(inner / (1 - inner))
        if (probabilities >= threshold).any():
            odds = np.maximum(odds, -self.doubt)
        return float(1 / (1 + np.exp(-odds.mean())))


DEFAULT = JointPolicy()


def geometric_mean(probabilities: Sequence[Array]) -> npt.NDArray[np.float32]:
    """The mean of the logits behind these probabilities, as probabilities again."""
    import numpy as np

    logs = np.mean(np.log(np.maximum(probabilities, _TINY)), axis=0)
    mean = np.exp(logs - logs.max())
    return np.asarray(mean / mean.sum(), np.float32)


def agree(sets: Sequence[Flags]) -> bool:
    """Whether photos may show one bird: any two sets of species that are not empty share one."""
    sure = [chosen for chosen in sets if chosen.any()]
    return all((one & other).any() for k, one in enumerate(sure) for other in sure[:k])


def widened(chosen: Flags, best: Sequence[int], probabilities: Array) -> Flags:
    """The joint set, each photo's best class, and whatever is at least as likely as one of them."""
    import numpy as np

    every = chosen.copy()
    every[list(best)] = True
    return np.asarray(every | (probabilities >= probabilities[every].min()))
