"""Whether fine-tuned last blocks may replace the published ones: a decision about figures alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.evaluation.figures import FIGURES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.evaluation.results import Judged

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


GUARDS = (
    Guard("as they are", "gate", "negatives_let_through", at_least=False),
    Guard("stressed", "gate", "negatives_let_through", at_least=False),
    Guard("new sources", "gate", "negatives_let_through", at_least=False),
    Guard("new sources", "gate", "other_birds_let_through", at_least=False),
    Guard("new sources", "gate", "parrots_kept", at_least=True),
    Guard("new sources", "species", "top1", at_least=True),
)


@dataclass(frozen=True, slots=True)
class Check:
    """One guarded figure of both models."""

    guard: Guard
    frozen: float
    tuned: float

    @property
    def worse(self) -> bool:
        """Whether fine-tuning lost something here."""
        lost = self.frozen - self.tuned if self.guard.at_least else self.tuned - self.frozen
        return lost > 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What was compared; accepted only if nothing is worse and something was compared."""

    checks: tuple[Check, ...]

    @property
    def accepted(self) -> bool:
        """Whether the fine-tuned model goes into the bundle."""
        return bool(self.checks) and not any(check.worse for check in self.checks)


def decide(frozen: Mapping[str, Figures], tuned: Mapping[str, Figures]) -> Decision:
    """Compare the figures of both models, by column of the card."""
    checks = []
    for guard in GUARDS:
        before, after = guard.of(frozen), guard.of(tuned)
        if before is not None and after is not None:
            checks.append(Check(guard, before, after))
    return Decision(tuple(checks))


def columns(judged: Judged, new_sources: Judged | None) -> dict[str, Figures]:
    """The figures of a model, by column of the card."""
    found: dict[str, Figures] = {
        "as they are": judged.clean.figures(),
        "stressed": judged.stressed.figures(),
    }
    if new_sources is not None:
        found["new sources"] = new_sources.clean.figures()
    return found
