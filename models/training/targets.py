"""What a fit should reach, and by how much it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.evaluation.figures import FIGURES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.evaluation.results import Judged

    Figure = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Target:
    """One bound on a figure of photos as they are, and of stressed photos."""

    figure: Figure
    clean: float
    stressed: float | None
    at_least: bool

    def missed(self, measured: float, bound: float) -> float:
        """By how much, 0 if it is reached."""
        gap = bound - measured if self.at_least else measured - bound
        return max(0.0, gap)


TARGETS = (
    Target(("gate", "parrots_kept"), 0.98, 0.92, at_least=True),
    Target(("species", "top1"), 0.98, 0.90, at_least=True),
    Target(("gate", "other_birds_let_through"), 0.01, 0.035, at_least=False),
    Target(("gate", "negatives_let_through"), 0.002, 0.005, at_least=False),
    Target(("set", "coverage"), 0.93, 0.93, at_least=True),
    Target(("set", "mean_size"), 1.1, 1.5, at_least=False),
    Target(("set", "strangers_not_named_alone"), 0.75, None, at_least=True),
    Target(("taxon", "group_right"), 0.90, None, at_least=True),
    Target(("taxon", "group_named"), 0.65, None, at_least=True),
    Target(("looks", "mean"), 1.35, None, at_least=False),
)


def lines(judged: Judged, by_stress: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A row of Markdown per target and column; a miss names the stresses that cost most."""
    rows = []
    columns = (("as they are", judged.clean.figures()), ("stressed", judged.stressed.figures()))
    for target in TARGETS:
        for (name, figures), bound in zip(columns, (target.clean, target.stressed), strict=True):
            measured = value(figures, target.figure)
            if bound is None or measured is None:
                continue
            missed = target.missed(measured, bound)
            result = "reached"
            if missed > 0:
                percent = isinstance(figures[target.figure[0]][target.figure[1]], dict)
                result = (
                    f"missed by {missed * 100:.1f} points" if percent else f"missed by {missed:.2f}"
                )
                if name == "stressed":
                    result += f"; worst: {', '.join(_worst(target, by_stress))}"
            sign = "at least" if target.at_least else "at most"
            rows.append(
                f"| {FIGURES[target.figure]}, {name} | {sign} {bound:g} | {measured:.3f}"
                f" | {result} |"
            )
    return rows


def value(figures: Mapping[str, Any], figure: Figure) -> float | None:
    """A rate or a number, None where there are no photos for it."""
    found = figures[figure[0]][figure[1]]
    return float(found["rate"]) if isinstance(found, dict) else found


def _worst(target: Target, by_stress: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    measured = [
        (found, name)
        for name, figures in by_stress.items()
        if (found := value(figures, target.figure)) is not None
    ]
    measured.sort(reverse=not target.at_least)
    return [f"{name} {found:.3f}" for found, name in measured[:3]]
