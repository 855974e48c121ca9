"""The published backbone beside fine-tuned last blocks: what the card and the manifest say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.evaluation.figures import FIGURES
from models.network.backbone import TAIL_BLOCKS
from models.training.targets import value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.training.acceptance import Check, Decision, Figures
    from models.training.tuner import Recipe


@dataclass(frozen=True, slots=True)
class Comparison:
    """Figures of both models by column of the card, from the same photos in the same run."""

    frozen: Mapping[str, Figures]
    tuned: Mapping[str, Figures]
    recipe: Recipe
    folds: int  # of the fine-tuned last blocks, and of the sources
    decision: Decision

    def metrics(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            "accepted": self.decision.accepted,
            "guarded": {
                check.guard.name: {"published": check.frozen, "fine_tuned": check.tuned}
                for check in self.decision.checks
            },
        }

    def section(self) -> str:
        """The card's part about fine-tuning."""
        recipe, verdict = self.recipe, "accepted" if self.decision.accepted else "not accepted"
        return f"""## Fine-tuning: {verdict}
The last {TAIL_BLOCKS} blocks and the head convolution, {recipe.steps} steps of {recipe.batch} views
from `fit --finetune`, judged by last blocks and heads that never saw the photo ({self.folds} folds;
the published backbone with more) or its source (both models in the same {self.folds} folds, which
leave out more sources at once than a card without fine-tuning does). Fine-tuned last blocks are
taken only if no guarded figure gets worse. {self._why()}

| guarded figure | published | fine-tuned | |
|---|---|---|---|
{chr(10).join(_guarded(check) for check in self.decision.checks)}

All figures, published -> fine-tuned:

| figure | {" | ".join(self.frozen)} |
|---|{"---|" * len(self.frozen)}
{chr(10).join(self._row(figure, name) for figure, name in FIGURES.items())}
"""

    def _why(self) -> str:
        worse = [check.guard.name for check in self.decision.checks if check.worse]
        if worse:
            return f"Worse: {'; '.join(worse)}. So this bundle has the published backbone."
        if not self.decision.checks:
            return "There was nothing to compare, so this bundle has the published backbone."
        return (
            "None did, so this bundle has the fine-tuned ones.\n"
            "Two runs with one seed differ by a few photos, so take close figures for equal"
            " (docs/decisions.md)."
        )

    def _row(self, figure: tuple[str, str], name: str) -> str:
        cells = (
            f"{_number(self.frozen[column], figure)} -> {_number(self.tuned[column], figure)}"
            for column in self.frozen
        )
        return f"| {name} | {' | '.join(cells)} |"


def _guarded(check: Check) -> str:
    verdict = "worse" if check.worse else "not worse"
    return f"| {check.guard.name} | {check.frozen:.2%} | {check.tuned:.2%} | {verdict} |"


def _number(figures: Figures, figure: tuple[str, str]) -> str:
    found = value(figures, figure)
    if found is None:
        return "none"
    return f"{found:.1%}" if isinstance(figures[figure[0]][figure[1]], dict) else f"{found:.3f}"
