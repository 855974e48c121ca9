"""Whether fine-tuned last blocks may replace the published ones: a decision about figures alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.evaluation.results import FIGURES
from models.training.fine_tuning import FineTuningOrder

Figures = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Guard:
    """A figure that must not get worse, in one column."""

    column: str
    part: str
    figure: str
    at_least: bool

    @property
    def name(self) -> str:
        """As the card has it."""
        return f"{FIGURES[self.part, self.figure]}, {self.column}"

    def of(self, figures: Mapping[str, Figures]) -> float | None:
        """The rate, None where there are no photos for it."""
        rate = figures.get(self.column, {}).get(self.part, {}).get(self.figure)
        return None if rate is None else float(rate["rate"])


_COLUMNS = "as they are", "stressed"
GUARDS = tuple(
    Guard(column, part, figure, at_least=at_least)
    for column in _COLUMNS
    for part, figure, at_least in (
        ("gate", "negatives_let_through", False),
        ("gate", "other_birds_let_through", False),
        ("gate", "parrots_kept", True),
        ("species", "top1", True),
    )
)


# A retrained bundle keeps the old cuts, which fit calibrates again: heads that learnt from what was
# in doubt may call more parrots unknown while their first name stays right.
RETRAINING_GUARDS = (
    *GUARDS,
    *(Guard(column, "set", "coverage", at_least=True) for column in _COLUMNS),
)


@dataclass(frozen=True, slots=True)
class GuardedFigure:
    """One guarded figure of both models."""

    name: str
    frozen: float
    tuned: float
    worse: bool  # whether fine-tuning lost something here


def guarded(
    before: Mapping[str, Figures],
    after: Mapping[str, Figures],
    guards: Sequence[Guard] = GUARDS,
) -> list[GuardedFigure]:
    """The guarded figures, by column, that there are photos for."""
    return [
        GuardedFigure(guard.name, old, new, old > new if guard.at_least else new > old)
        for guard in guards
        if (old := guard.of(before)) is not None and (new := guard.of(after)) is not None
    ]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The figures of both models, by column of the card, from the same photos in the same run."""

    frozen: Mapping[str, Figures]
    tuned: Mapping[str, Figures]
    order: FineTuningOrder

    @property
    def guarded(self) -> list[GuardedFigure]:
        """The guarded figures that there are photos for."""
        return guarded(self.frozen, self.tuned)

    @property
    def accepted(self) -> bool:
        """Whether the fine-tuned model goes into the bundle; never where nothing was compared."""
        return bool(self.guarded) and (self.order.although_worse or not self.worse)

    @property
    def worse(self) -> list[str]:
        """Names of the guarded figures that got worse."""
        return [figure.name for figure in self.guarded if figure.worse]

    def metrics(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            "accepted": self.accepted,
            "worse": self.worse,
            "guarded": {
                figure.name: {"published": figure.frozen, "fine_tuned": figure.tuned}
                for figure in self.guarded
            },
        }
