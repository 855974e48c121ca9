"""What heads answer that never saw the photo: fitted for each fold without its photos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from models.data.dataset import NO_BIRD, OTHER_BIRD, PARROT
from models.evaluation import metrics
from models.training.heads import Logits, fit_heads, gate_rows, three_way
from parrot.adapters import joblib_gate
from parrot.model.gate import OneClass, Projection, ThreeWay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from models.arrays import Array, Index
    from models.data.dataset import Dataset, Folds
    from parrot.records import Floats

T = TypeVar("T")
_COMPONENTS = 64  # principal components that the one-class gate is fitted on
_MIXTURE = 6  # Gaussians of its density


def on_all_cores(work: Callable[[Index, Index], T], folds: Folds) -> list[tuple[Index, T]]:
    """Each fold's test photos and result; one fold a core, each on one thread.

    Twice as many threads as cores wait for each other.
    """
    from joblib import Parallel, delayed  # noqa: PLC0415 - 0.1 s, not for --help
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - as scikit-learn brings it

    with threadpool_limits(1):
        # Threads share the features; solvers spend their time in BLAS, without the GIL.
        done = Parallel(n_jobs=-1, prefer="threads")(delayed(work)(*fold) for fold in folds)
    return [(test, result) for (_, test), result in zip(folds, done, strict=True)]


def cross_fitted(data: Dataset, folds: Folds) -> Logits:
    """Logits for each photo by heads that were fitted without its fold."""

    def held_out(train: Index, test: Index) -> Logits:
        heads = fit_heads(data, data.usable(train, test))
        return heads.logits(data.looks[test], data.signs[test])

    return Logits.joined(on_all_cores(held_out, folds))


@dataclass(frozen=True, slots=True)
class GateFigures:
    """How a kind of gate does at one share of parrots kept: shares let through, 0..1.

    None where there are no such photos, and for new sources where all photos are of one.
    """

    kind: str
    keep: float
    birds: float | None
    others: float | None
    birds_new_sources: float | None
    others_new_sources: float | None

    @property
    def shares(self) -> tuple[float | None, ...]:
        """As the tables have them."""
        return self.birds, self.others, self.birds_new_sources, self.others_new_sources


def compare_gates(
    data: Dataset, keep: float, folds: Folds, source_folds: Folds
) -> tuple[GateFigures, ...]:
    """The gate in use and the first version's, fitted and judged on the first look alone."""
    groups = (data.kind == OTHER_BIRD, data.kind == NO_BIRD)

    def through(kind: str, folds: Folds) -> tuple[float | None, ...]:
        if not folds:
            return None, None
        scores = _scores(data, _GATES[kind], folds)
        passed = scores >= metrics.threshold_keeping(scores[data.parrot], keep)
        return tuple(float(passed[group].mean()) if group.any() else None for group in groups)

    return tuple(
        GateFigures(kind, keep, *through(kind, folds), *through(kind, source_folds))
        for kind in _GATES
    )


def _scores(data: Dataset, fit: Callable[[Floats, Index], Scoring], folds: Folds) -> Array:
    """Each photo's uncalibrated score by a gate that was fitted without its fold."""

    def held_out(train: Index, test: Index) -> Array:
        usable = data.usable(train, test)
        scorer = fit(*gate_rows(data, usable, every_view=False))
        scores, _ = scorer(data.looks[test, 0, 0].astype(np.float64))
        return scores

    scores = np.zeros(len(data.photos))
    for test, part in on_all_cores(held_out, folds):
        scores[test] = part
    return scores


def one_class(x: Floats, kind: Index) -> Scoring:
    """The first version's stages: how likely among parrots, all others ignored."""
    from sklearn.decomposition import PCA  # noqa: PLC0415 - 0.8 s, not for --help
    from sklearn.mixture import GaussianMixture  # noqa: PLC0415 - 0.8 s, not for --help

    parrots = x[kind == PARROT]
    mean, scale = parrots.mean(axis=0), parrots.std(axis=0) + 1e-6
    components = min(_COMPONENTS, len(parrots) - 1)
    pca = PCA(components, random_state=0).fit((parrots - mean) / scale)
    projection = Projection(mean, scale, pca.mean_, pca.components_.T)
    density = GaussianMixture(_MIXTURE, reg_covar=0.1, random_state=0)
    scorer = joblib_gate.one_class(density.fit(projection(parrots.astype(np.float64))))
    return lambda features: scorer(projection(features))


if TYPE_CHECKING:
    Scoring = Callable[[Array], tuple[Array, Array | None]]

_GATES: Mapping[str, Callable[[Floats, Index], Scoring]] = {
    ThreeWay.kind: three_way,
    OneClass.kind: one_class,
}
