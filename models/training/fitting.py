"""Fit gate and names, and calibrate both on photos that they were not fitted on."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from models.data.dataset import looks
from models.data.labelled_photos import Group
from models.data.stress import FAMILIES, Family
from models.evaluation import answers, metrics
from models.evaluation import reasons as reasoning
from models.evaluation.results import Judged, Results
from models.network.head import SpeciesHead
from models.training import acceptance, gates, reasons, together
from models.training.calibration import Calibration, Raw, Targets, calibrate
from models.training.comparison import Comparison
from models.training.fine_tuning import FineTuning
from models.training.heads import Classes, fit_gate, fit_groups, fit_species
from models.training.regression import Linear
from parrot.model.gate import Gate
from parrot.model.naming import Naming, Softmax
from parrot.model.scorers import ThreeWay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from models.arrays import Array, Flags, Index
    from models.data.dataset import Dataset
    from models.network.tail import Tail
    from models.training.fine_tuning import Plan
    from models.training.tuner import Tuned
    from parrot.model.gate import Projection
    from parrot.model.reason import ReasonPolicy
    from parrot.model.scorers import Scorer
    from parrot.model.taxonomy import Taxonomy
    from parrot.records import Floats

    Folds = Sequence[tuple[Index, Index]]

T = TypeVar("T")

SURE = 0.7  # probability from which on a group or family is named
LEFT_OUT = (Family.FRAMING, Family.LIGHT, Family.BARS, Family.TILT)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a person decides about a fit."""

    keep: float = 0.97  # share of parrots that the gate shall let through: docs/decisions.md
    coverage: float = 0.95  # how often the set of species shall hold the true one
    none: float = 0.55  # share of the remaining error that may be an empty set
    low: float = 0.1  # probabilities of parrot between which to look again
    high: float = 0.8
    source_folds: int = 8
    seed: int = 0
    gate: str = ThreeWay.kind  # what is fitted on every view; the others are compared with it
    kinds: tuple[str, ...] = tuple(gates.CANDIDATES)

    @property
    def targets(self) -> Targets:
        """What the calibration aims at."""
        return Targets(self.keep, self.coverage, self.none, self.low, self.high)


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


@dataclass(frozen=True, slots=True)
class Fitted:
    """Heads fitted on everything; what is judged was judged by the folds' models."""

    gate: Gate
    naming: Naming
    head: SpeciesHead
    calibration: Calibration
    candidates: tuple[Candidate, ...]
    judged: Judged
    new_sources: Judged | None  # by models that never saw the photo's source
    folds: int
    left_out: Mapping[Family, Results]  # stressed photos, by models that never saw that family
    published: Results  # stressed photos by the published backbone, to compare `left_out` with
    first_looks: Floats  # (photos, features) of the whole photos as they are
    together: together.Together  # several photos of one bird
    reasons: ReasonPolicy | None  # None for a gate that does not tell other birds from no birds
    tail: Tail | None = None  # fine-tuned last blocks, where they were accepted
    comparison: Comparison | None = None  # None where nothing was fine-tuned


@dataclass(frozen=True, slots=True)
class _Heads:
    projection: Projection
    scorer: Scorer
    species: Linear
    groups: Linear

    def raw(self, features: Floats) -> Raw:
        """Scores and logits of features (n, samples, states, d)."""
        flat = features.reshape(-1, features.shape[-1]).astype(np.float64)
        projected = self.projection(flat)
        scores = self.scorer(projected).reshape(features.shape[:-1])
        birds = self.scorer.birds(projected) if isinstance(self.scorer, ThreeWay) else scores * 0
        return Raw(
            scores,
            self.species(features).astype(np.float64),
            self.groups(features).astype(np.float64),
            birds.reshape(features.shape[:-1]),
        )


@dataclass(frozen=True, slots=True)
class _Model:
    """Heads fitted on everything, and what the folds' own said: without and with new sources."""

    heads: _Heads
    first_looks: Floats
    raw: Raw
    new_raw: Raw | None
    signs: Floats
    new_signs: Floats


@dataclass(frozen=True, slots=True)
class _Fitter:
    """A dataset, its classes and what a person decided."""

    dataset: Dataset
    classes: Classes
    taxonomy: Taxonomy
    policy: Policy

    def heads(self, kind: str, usable: Flags) -> _Heads:
        data, classes = self.dataset, self.classes
        return _Heads(
            *fit_gate(data, kind, usable),
            fit_species(data, classes, usable),
            fit_groups(data, classes, usable),
        )

    def cross_fitted(self, kind: str, folds: Folds, without: Family | None = None) -> Raw:
        """Logits for each photo by heads that were fitted without its fold."""

        def one(train: Index, test: Index) -> Raw:
            usable = self.dataset.usable(train, test)
            if without is not None:  # what mixes families holds this one too
                families = self.dataset.families()
                usable &= (families != without.value) & (families != Family.MIX.value)
            return self.heads(kind, usable).raw(self.dataset.looks[test])

        classes = self.classes
        raw = Raw.empty(self.dataset, len(self.dataset.species) + 1, len(classes.group_ids))
        for (_, test), found in zip(folds, _on_all_cores(one, folds), strict=True):
            raw.put(test, found)
        return raw

    def cross_tuned(self, tuning: FineTuning, name: str, folds: Folds) -> tuple[Raw, Floats]:
        """Logits for each photo by last blocks and heads that were fine-tuned without its fold.

        And the signs of where those look closer.
        """
        classes, signs = self.classes, self.dataset.signs.copy()
        raw = Raw.empty(self.dataset, len(self.dataset.species) + 1, len(classes.group_ids))
        for number, (train, test) in enumerate(folds, 1):
            usable = self.dataset.usable(train, test)
            tuned, heads = self.tuned(tuning, f"{name} {number} of {len(folds)}", usable)
            features, signs[test] = tuning.seen(tuned.tail, test)
            raw.put(test, heads.raw(looks(features)))
        return raw, signs

    def tuned(self, tuning: FineTuning, name: str, usable: Flags) -> tuple[Tuned, _Heads]:
        """Last blocks, and the heads that were fitted with them."""
        start = self.heads(ThreeWay.kind, usable)
        gate = start.scorer
        if not isinstance(gate, ThreeWay):
            raise TypeError(f"fine-tuning starts from a {ThreeWay.kind} gate, not {gate.kind}")
        gate_line = Linear(gate.weights.astype(np.float32), gate.biases.astype(np.float32))
        tuned = tuning.tuned(
            name, usable, (gate_line, start.species, start.groups), self.policy.seed
        )
        scorer = ThreeWay(
            tuned.gate.weights.astype(np.float64), tuned.gate.biases.astype(np.float64)
        )
        return tuned, _Heads(start.projection, scorer, tuned.species, tuned.groups)

    def calibrated(self, raw: Raw, kind: str, chosen: Index) -> Calibration:
        classes = (self.classes.species, self.classes.group)
        return calibrate(raw, kind, self.dataset, classes, self.policy.targets, chosen)

    def judged(
        self, raw: Raw, parts: Sequence[tuple[Calibration, Index]], signs: Floats | None = None
    ) -> Judged:
        """Results from calibrations, each for some of the photos; signs if not the dataset's."""
        data = self.dataset
        order = np.argsort(np.concatenate([part for _, part in parts]))
        names = answers.Names(data.species, self.classes.group_ids, self.taxonomy, SURE)
        by_sample = []
        for sample in range(raw.gate.shape[1]):
            found = answers.joined(
                [calibration.answers(raw, part, sample) for calibration, part in parts]
            ).taken(order)
            changes = [row[sample].stress for row in data.samples]
            results = answers.results(
                found,
                data.photos,
                data.target,
                [change.name if change else "" for change in changes],
                names,
                self.policy.coverage,
            )
            seen = reasoning.evidence(found, (data.signs if signs is None else signs)[:, sample])
            by_sample.append(replace(results, evidence=seen))
        return Judged(by_sample[0], Results.joined(by_sample[1:]))


def fit(
    dataset: Dataset,
    taxonomy: Taxonomy,
    policy: Policy,
    *,
    plan: Plan | None = None,
    step: Callable[[str], None] = lambda _text: None,
) -> Fitted:
    """Compare the kinds of gates, calibrate, refit on everything.

    With a plan, fine-tune the backbone's last blocks too, and take them where that is accepted.
    """
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - 0.8 s, not for --help

    with warnings.catch_warnings():
        # Enough steps for a head: see `regression`.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitter = _Fitter(dataset, Classes(dataset, taxonomy), taxonomy, policy)
        frozen = _fit(fitter, step)
        if plan is None:
            return frozen
        return _fine_tuned(fitter, frozen, FineTuning(plan, dataset, fitter.classes), step)


def _fit(fitter: _Fitter, step: Callable[[str], None]) -> Fitted:
    dataset, policy = fitter.dataset, fitter.policy
    folds = dataset.folds()
    source_folds = dataset.source_folds(policy.source_folds)
    candidates = _compare(dataset, policy, folds, source_folds, step)
    best = policy.gate
    step("gate and names, cross-fitted")
    raw = fitter.cross_fitted(best, folds)
    new_raw = None
    if source_folds:
        step("gate and names, sources left out")
        new_raw = fitter.cross_fitted(best, source_folds)
    everything = np.arange(len(dataset.photos))
    calibration = fitter.calibrated(raw, best, everything)
    left_out = {}
    for family in LEFT_OUT:
        step(f"gate and names, {family} left out")
        without = fitter.cross_fitted(best, folds, family)
        found = fitter.judged(without, [(calibration, everything)]).stressed
        left_out[family] = found.where([FAMILIES[name] is family for name in found.stress])
    step("refit on everything")
    heads = fitter.heads(best, dataset.usable(everything, np.array([], np.intp)))
    signs = dataset.signs
    model = _Model(heads, dataset.looks[:, 0, 0], raw, new_raw, signs, signs)
    return _fitted(fitter, model, candidates, left_out)


def _fitted(
    fitter: _Fitter,
    model: _Model,
    candidates: tuple[Candidate, ...],
    left_out: Mapping[Family, Results],
) -> Fitted:
    """Calibrate and judge by what the folds' models said, which never saw the photo."""
    dataset, kind = fitter.dataset, model.heads.scorer.kind
    folds = dataset.folds()
    everything = np.arange(len(dataset.photos))
    parts = [(fitter.calibrated(model.raw, kind, rest), test) for rest, test in folds]
    calibration = fitter.calibrated(model.raw, kind, everything)
    judged = fitter.judged(model.raw, parts, model.signs)
    explained = reasons.fit(judged, dataset.fold) if kind == ThreeWay.kind else None
    new_sources = None
    if model.new_raw is not None:
        new_sources = fitter.judged(model.new_raw, [(calibration, everything)], model.new_signs)
        if explained is not None:
            clean = reasoning.explained(new_sources.clean, explained.policy)
            new_sources = replace(new_sources, clean=clean)
    return Fitted(
        gate=Gate(model.heads.projection, model.heads.scorer, calibration.curve),
        naming=_naming(model.heads, fitter.classes, calibration),
        head=_head(model.heads.species, calibration),
        calibration=calibration,
        candidates=candidates,
        judged=explained.judged if explained else judged,
        new_sources=new_sources,
        folds=len(folds),
        left_out=left_out,
        published=judged.stressed,
        first_looks=model.first_looks,
        together=together.judge(dataset, model.raw, parts, calibration, fitter.policy.seed),
        reasons=explained.policy if explained else None,
    )


def _fine_tuned(
    fitter: _Fitter, frozen: Fitted, tuning: FineTuning, step: Callable[[str], None]
) -> Fitted:
    """The frozen model or the fine-tuned one, with both one's figures."""
    dataset, count = fitter.dataset, tuning.plan.folds
    step("fine-tuning, cross-validated")
    raw, signs = fitter.cross_tuned(tuning, "fold", dataset.coarse_folds(count))
    new_raw, new_signs = None, signs
    source_folds = dataset.source_folds(count)
    if source_folds:
        step("fine-tuning, sources left out")
        new_raw, new_signs = fitter.cross_tuned(tuning, "sources", source_folds)
    step("fine-tuning on everything")
    everything = np.arange(len(dataset.photos))
    usable = dataset.usable(everything, np.array([], np.intp))
    tuned, heads = fitter.tuned(tuning, "everything", usable)
    first = tuning.first_looks(tuned.tail)
    model = _Model(heads, first, raw, new_raw, signs, new_signs)
    found = _fitted(fitter, model, frozen.candidates, frozen.left_out)
    before, after = (
        acceptance.columns(model.judged, model.new_sources) for model in (frozen, found)
    )
    decision = acceptance.decide(before, after)
    comparison = Comparison(before, after, tuning.plan.recipe, count, decision)
    if not decision.accepted:
        return replace(frozen, comparison=comparison)
    published = frozen.judged.stressed
    return replace(found, comparison=comparison, tail=tuned.tail, published=published)


def _naming(heads: _Heads, classes: Classes, calibration: Calibration) -> Naming:
    """The heads with their temperatures in their weights."""

    def softmax(head: Linear, temperature: float) -> Softmax:
        scale = np.float32(1 / temperature)
        return Softmax(head.weights * scale, head.biases * scale)

    return Naming(
        softmax(heads.species, calibration.temperature),
        softmax(heads.groups, calibration.group_temperature),
        classes.group_ids,
    )


def _head(species: Linear, calibration: Calibration) -> SpeciesHead:
    """The known species alone, for the graph: what the first version's phones are answered."""
    return SpeciesHead(
        np.ascontiguousarray(species.weights[:, :-1]), species.biases[:-1], calibration.temperature
    )


def _compare(
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
        return scorer(projection(dataset.looks[test, 0, 0].astype(np.float64)))

    scores = np.zeros(len(dataset.photos))
    for (_, test), found in zip(folds, _on_all_cores(one, folds), strict=True):
        scores[test] = found
    return scores


def _on_all_cores(one: Callable[[Index, Index], T], folds: Folds) -> list[T]:
    """One fold a core, each on one thread: twice as many threads as cores wait for each other."""
    from joblib import Parallel, delayed  # noqa: PLC0415 - 0.1 s, not for --help
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - as scikit-learn brings it

    with threadpool_limits(1):
        # Threads share the features; solvers spend their time in BLAS, without the GIL.
        done = Parallel(n_jobs=-1, prefer="threads")(delayed(one)(*fold) for fold in folds)
    return list(done)
