"""What each figure is called in the card, the report and the commands, and how it is written."""

from __future__ import annotations

from typing import Any

FIGURES = {
    ("species", "top1"): "species right",
    ("species", "top3"): "species among the top three",
    ("species", "mean_class_recall"): "species right, mean over species",
    ("species", "calibration_error"): "species, calibration error",
    ("gate", "parrots_kept"): "parrots kept",
    ("gate", "other_birds_let_through"): "other birds let through",
    ("gate", "negatives_let_through"): "non-birds let through",
    ("gate", "calibration_error"): "gate, calibration error",
    ("set", "coverage"): "set contains the true species",
    ("set", "mean_size"): "set, mean size",
    ("set", "empty"): "set empty for a known species",
    ("set", "strangers_not_named_alone"): "parrots of other species not given one name",
    ("set", "strangers_mean_size"): "parrots of other species, set's mean size",
    ("taxon", "group_named"): "parrots of other species, group named",
    ("taxon", "group_right"): "parrots of other species, named group right",
    ("taxon", "right"): "named species, group or family right",
    ("looks", "mean"): "forward passes per photo",
}


def figure_text(figure: Any) -> str:
    """A rate with its interval, a number, or an empty text."""
    if figure is None:
        return ""
    if isinstance(figure, dict):
        return (
            f"{figure['rate']:.2%} ({figure['low']:.1%}..{figure['high']:.1%}, n = {figure['n']})"
        )
    return f"{figure:.4f}"
