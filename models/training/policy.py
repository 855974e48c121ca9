"""What a person decides about a fit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from models.training import gates
from models.training.calibration import Targets
from parrot.model.gate import ThreeWay


@dataclass(frozen=True, slots=True)
class Policy:
    """What a person decides about a fit."""

    keep: float = 0.97  # share of parrots that the gate shall let through: docs/decisions.md
    more_tuned: float = 0.005  # by how much more it is with fine-tuned last blocks
    no_bird_tuned: float = 1.5  # added to their gate's logit of "no bird": docs/decisions.md
    coverage: float = 0.95  # how often the set of species shall hold the true one
    none: float = 0.55  # share of the remaining error that may be an empty set
    none_tuned: float = 0.84  # the same for fine-tuned last blocks, whose sets are small
    low: float = 0.1  # probabilities of parrot between which to look again
    high: float = 0.9
    source_folds: int = 8
    seed: int = 0
    gate: str = ThreeWay.kind  # what is fitted on every view; the others are compared with it
    kinds: tuple[str, ...] = tuple(gates.CANDIDATES)

    @property
    def tuned(self) -> Policy:
        """The policy for fine-tuned last blocks."""
        return replace(self, keep=min(1.0, self.keep + self.more_tuned), none=self.none_tuned)

    @property
    def targets(self) -> Targets:
        """What the calibration aims at."""
        return Targets(self.keep, self.coverage, self.none, self.low, self.high)
