"""Fit the gate and the species head; calibrate both on photos that they were not fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.data.labelled_photos import Group
from models.evaluation import metrics
from models.evaluation.results import Results
from models.network.head import SpeciesHead, softmax
from models.training import gates
from parrot.model.gate import Gate, LogisticCurve, MonotoneTable
from parrot.model.manifest import Conformal
from parrot.model.scorers import Linear

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from models.arrays import Array, Flags, Index
    from models.data.dataset import Dataset
    from parrot.model.gate import Projection
    from parrot.model.scorers import Scorer

    Folds = list[tuple[Index, Index]]

_STRENGTH = 1.0  # inverse regularisation of the species head
_ITERATIONS = 300


@dataclass(frozen=True, slots=True)
class Policy:
    """What a person chooses for a fit."""

    keep: float = 0.975  # share of parrots that the gate should let through
    coverage: float = 0.95  # how often the set of species should contain the true one
    gate_folds: int = 5
    head_folds: int = 10  # many, because the rarest species have only six photos
    source_folds: int = 8
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """The shares 0..1 that a kind of gate lets through when it keeps `keep` of the parrots."""

    kind: str
    keep: float
    birds: float
    others: float
    birds_new_sources: float
    others_new_sources: float


@dataclass(frozen=True, slots=True)
class Fitted:
    """Gate and head fitted on everything, and how well models fitted on a part of it did."""

    gate: Gate
    threshold: float
    head: SpeciesHead
    conformal: Conformal
    candidates: tuple[Candidate, ...]
    results: Results  # every photo judged by models that never saw it
    new_sources: Results  # every photo judged by models that never saw its source


def fit(
    dataset: Dataset, policy: Policy, *, step: Callable[[str], None] = lambda _text: None
) -> Fitted:
    """Compare the kinds of gates, calibrate the best one and the head, refit on everything."""
    candidates, scores = _compare(dataset, policy, step)
    best = min(
        candidates, key=lambda candidate: (candidate.birds + candidate.others, candidate.kind)
    )
    step("species head, cross-fitted")
    logits = _cross_fitted_logits(dataset, list(dataset.folds(policy.head_folds, policy.seed)))
    step("species head, sources left out")
    new_logits = _cross_fitted_logits(dataset, list(dataset.source_folds(policy.source_folds)))
    step("calibration")
    inner, outer = scores[best.kind]
    results = _empty(dataset, policy)
    for rest, test in dataset.folds(policy.head_folds, policy.seed):
        _calibrate(dataset, best.kind, inner, logits, rest, policy).apply(
            results, inner, logits, test
        )
    everything = np.arange(len(dataset.photos))
    calibration = _calibrate(dataset, best.kind, inner, logits, everything, policy)
    new_sources = _empty(dataset, policy)
    calibration.apply(new_sources, outer, new_logits, everything)
    step("refit on everything")
    projection, scorer = _fit_gate(dataset, best.kind, everything)
    weights, bias = _fit_head(dataset, everything)
    return Fitted(
        gate=Gate(projection, scorer, calibration.curve),
        threshold=calibration.threshold,
        head=SpeciesHead(weights, bias, calibration.temperature),
        conformal=Conformal(policy.coverage, calibration.cut),
        candidates=candidates,
        results=results,
        new_sources=new_sources,
    )


@dataclass(frozen=True, slots=True)
class _Calibration:
    """What turns scores and logits into answers."""

    curve: LogisticCurve | MonotoneTable
    threshold: float
    temperature: float
    cut: float

    def apply(self, results: Results, scores: Array, logits: Array, chosen: Index) -> None:
        """Write the answers for the chosen photos into `results`."""
        results.parrot[chosen] = self.curve(scores[chosen])
        results.is_parrot[chosen] = results.parrot[chosen] >= self.threshold
        results.probabilities[chosen] = softmax(logits[chosen] / self.temperature)
        results.sets[chosen] = logits[chosen] >= self.cut


def _calibrate(  # noqa: PLR0913, PLR0917 - everything that a calibration needs
    dataset: Dataset, kind: str, scores: Array, logits: Array, chosen: Index, policy: Policy
) -> _Calibration:
    """Calibrate on the chosen photos."""
    curve = _curve(kind, scores[chosen], dataset.parrot[chosen])
    known = chosen[dataset.target[chosen] >= 0]
    target = dataset.target[known]
    return _Calibration(
        curve,
        metrics.threshold_keeping(curve(scores[chosen[dataset.parrot[chosen]]]), policy.keep),
        _temperature(logits[known], target),
        metrics.conformal_cut(logits[known, target], policy.coverage),
    )


def _empty(dataset: Dataset, policy: Policy) -> Results:
    photos, classes = len(dataset.photos), len(dataset.species)
    return Results(
        photos=dataset.photos,
        species=dataset.species,
        target=dataset.target,
        coverage=policy.coverage,
        parrot=np.zeros(photos),
        is_parrot=np.zeros(photos, bool),
        probabilities=np.zeros((photos, classes)),
        sets=np.zeros((photos, classes), bool),
    )


def _compare(
    dataset: Dataset, policy: Policy, step: Callable[[str], None]
) -> tuple[tuple[Candidate, ...], dict[str, tuple[Array, Array]]]:
    """Each kind's figures, and its scores: cross-fitted, and with sources left out."""
    birds, others = (
        np.array([photo.group is group for photo in dataset.photos])
        for group in (Group.OTHER_BIRDS, Group.NEGATIVES)
    )
    candidates, scores = [], {}
    for kind in gates.CANDIDATES:
        step(f"gate: {kind}, cross-fitted")
        inner = _cross_fitted_scores(
            dataset, kind, list(dataset.folds(policy.gate_folds, policy.seed))
        )
        step(f"gate: {kind}, sources left out")
        outer = _cross_fitted_scores(dataset, kind, list(dataset.source_folds(policy.source_folds)))
        scores[kind] = (inner, outer)
        cut, new_cut = (
            metrics.threshold_keeping(found[dataset.parrot], policy.keep)
            for found in (inner, outer)
        )
        candidates.append(
            Candidate(
                kind,
                policy.keep,
                *(float((inner[group] >= cut).mean()) for group in (birds, others)),
                *(float((outer[group] >= new_cut).mean()) for group in (birds, others)),
            )
        )
    return tuple(candidates), scores


def _cross_fitted_scores(dataset: Dataset, kind: str, folds: Folds) -> Array:
    """Each photo's uncalibrated score by a gate that was fitted without its fold."""

    def one(train: Index, test: Index) -> Array:
        projection, scorer = _fit_gate(dataset, kind, train)
        return scorer(projection(dataset.plain[test].astype(np.float64)))

    scores = np.zeros(len(dataset.photos))
    for (_, test), found in zip(folds, _on_all_cores(one, folds), strict=True):
        scores[test] = found
    return scores


def _fit_gate(dataset: Dataset, kind: str, chosen: Index) -> tuple[Projection, Scorer]:
    x = dataset.gate[:, chosen].reshape(-1, dataset.plain.shape[1]).astype(np.float64)
    return gates.CANDIDATES[kind](x, np.tile(dataset.parrot[chosen], len(dataset.gate)))


def _cross_fitted_logits(dataset: Dataset, folds: Folds) -> Array:
    """(n, classes): each photo's logits by a head that was fitted without its fold."""

    def one(train: Index, test: Index) -> Array:
        weights, bias = _fit_head(dataset, train)
        return np.asarray(dataset.plain[test] @ weights + bias, np.float64)

    logits = np.zeros((len(dataset.photos), len(dataset.species)))
    for (_, test), found in zip(folds, _on_all_cores(one, folds), strict=True):
        logits[test] = found
    return logits


def _on_all_cores(one: Callable[[Index, Index], Array], folds: Folds) -> list[Array]:
    """One fold per core, each on one thread: more threads than cores would only wait."""
    from joblib import Parallel, delayed  # noqa: PLC0415 - 0.1 s, not for --help
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - comes with scikit-learn

    with threadpool_limits(1):
        # Threads share the features; solvers spend their time in BLAS, without the GIL.
        done = Parallel(n_jobs=-1, prefer="threads")(delayed(one)(*fold) for fold in folds)
    return list(done)


def _fit_head(dataset: Dataset, chosen: Index) -> tuple[npt.NDArray[np.float32], ...]:
    """Weights (features, classes) and bias; a class without photos never becomes likely."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - 0.8 s, not for --help

    known = chosen[dataset.target[chosen] >= 0]
    x = dataset.head[:, known].reshape(-1, dataset.plain.shape[1])
    y = np.tile(dataset.target[known], len(dataset.head))
    model = LogisticRegression(C=_STRENGTH, class_weight="balanced", max_iter=_ITERATIONS)
    model.fit(x, y)
    weights = np.zeros((x.shape[1], len(dataset.species)), np.float32)
    bias = np.full(len(dataset.species), -30, np.float32)
    weights[:, model.classes_] = model.coef_.T
    bias[model.classes_] = model.intercept_
    return weights, bias


def _curve(kind: str, scores: Array, parrot: Flags) -> LogisticCurve | MonotoneTable:
    """Score to probability: Platt's logistic curve, or an isotonic table for densities."""
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415 - 0.8 s, not for --help
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - 0.8 s, not for --help

    if kind == Linear.kind:
        model = LogisticRegression(C=1e6).fit(scores[:, None], parrot)
        return LogisticCurve(float(model.coef_[0, 0]), float(model.intercept_[0]))
    table = IsotonicRegression(out_of_bounds="clip").fit(scores, parrot)
    return MonotoneTable(
        np.asarray(table.X_thresholds_, np.float64), np.asarray(table.y_thresholds_, np.float64)
    )


def _temperature(logits: Array, target: Index) -> float:
    """What to divide logits by so that probabilities are calibrated (Guo et al., 2017)."""
    from scipy.optimize import minimize_scalar  # noqa: PLC0415 - 0.5 s, not for --help

    def loss(log_temperature: float) -> float:
        probabilities = softmax(logits / np.exp(log_temperature))
        return float(-np.log(probabilities[np.arange(len(target)), target] + 1e-12).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))
