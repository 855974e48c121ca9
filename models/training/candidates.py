"""The kinds of gates beside each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.data.labelled_photos import Group
from models.evaluation import metrics
from models.training.cores import on_all_cores
from models.training.heads import fit_gate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.arrays import Array, Index
    from models.data.dataset import Dataset
    from models.training.cores import Folds
    from models.training.policy import Policy


@dataclass(frozen=True, slots=True)
class Candidate:
    """How a kind of gate does at one share of parrots kept: shares let through, 0..1.

    None for new sources where all photos are of one source.
    """

    kind: str
    keep: float
    birds: float
    others: float
    birds_new_sources: float | None
    others_new_sources: float | None


def compare(
    dataset: Dataset, policy: Policy, folds: Folds, source_folds: Folds, step: Callable[[str], None]
) -> tuple[Candidate, ...]:
    """Each kind of gate, fitted on the first look alone, judged on photos as they are."""
    birds, others = (
        np.array([photo.group is group for photo in dataset.photos])
        for group in (Group.OTHER_BIRDS, Group.NEGATIVES)
    )

    def through(scores: Array) -> list[float]:
        cut = metrics.threshold_keeping(scores[dataset.parrot], policy.keep)
        return [float((scores[group] >= cut).mean()) for group in (birds, others)]

    candidates = []
    for kind in policy.kinds:
        step(f"gate: {kind}")
        inner = through(_cross_fitted_scores(dataset, kind, folds))
        outer: Sequence[float | None] = (None, None)
        if source_folds:
            outer = through(_cross_fitted_scores(dataset, kind, source_folds))
        candidates.append(Candidate(kind, policy.keep, *inner, *outer))
    return tuple(candidates)


def _cross_fitted_scores(dataset: Dataset, kind: str, folds: Folds) -> Array:
    """Each photo's uncalibrated score by a gate that was fitted without its fold."""

    def one(train: Index, test: Index) -> Array:
        usable = dataset.usable(train, test)
        projection, scorer = fit_gate(dataset, kind, usable, every_view=False)
        return scorer(projection(dataset.looks[test, 0, 0].astype(np.float64)))[0]

    scores = np.zeros(len(dataset.photos))
    for (_, test), found in zip(folds, on_all_cores(one, folds), strict=True):
        scores[test] = found
    return scores
