"""Fit gate and names, and calibrate both on photos that they were not fitted on."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.data.stress import FAMILIES, Family
from models.evaluation import reasons as reasoning
from models.network.head import SpeciesHead
from models.training import acceptance, reasons, together
from models.training.candidates import compare
from models.training.comparison import Comparison
from models.training.cross_fitting import CrossFitter
from models.training.fine_tuning import FineTuning
from models.training.heads import Classes
from models.training.tuner import device
from parrot.model.gate import Gate, ThreeWay
from parrot.model.naming import Naming, Softmax

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from models.data.dataset import Dataset
    from models.evaluation.results import Judged, Results
    from models.network.tail import Tail
    from models.training.calibration import Calibration, Raw
    from models.training.candidates import Candidate
    from models.training.cross_fitting import Heads
    from models.training.fine_tuning import Plan
    from models.training.policy import Policy
    from models.training.regression import Linear
    from parrot.model.rules import ReasonPolicy
    from parrot.model.species import Taxonomy
    from parrot.records import Floats

LEFT_OUT = (Family.FRAMING, Family.LIGHT, Family.BARS, Family.TILT)


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
    keep: float  # share of parrots that the threshold was set to let through
    first_looks: Floats  # (photos, features) of the whole photos as they are
    together: together.Together  # several photos of one bird
    reasons: ReasonPolicy | None  # None for a gate that does not tell other birds from no birds
    tail: Tail | None = None  # fine-tuned last blocks, where they were accepted
    comparison: Comparison | None = None  # None where nothing was fine-tuned


@dataclass(frozen=True, slots=True)
class _Model:
    """Heads fitted on everything, and what the folds' own said: without and with new sources."""

    heads: Heads
    first_looks: Floats
    raw: Raw
    new_raw: Raw | None
    signs: Floats
    new_signs: Floats


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
        fitter = CrossFitter(dataset, Classes(dataset, taxonomy), taxonomy, policy)
        frozen = _fit(fitter, step)
        if plan is None:
            return frozen
        return _fine_tuned(fitter, frozen, FineTuning(plan, dataset, fitter.classes), step)


def _fit(fitter: CrossFitter, step: Callable[[str], None]) -> Fitted:
    dataset, policy = fitter.dataset, fitter.policy
    folds = dataset.folds()
    source_folds = dataset.source_folds(policy.source_folds)
    candidates = compare(dataset, policy, folds, source_folds, step)
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
    fitter: CrossFitter,
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
        keep=fitter.policy.keep,
        first_looks=model.first_looks,
        together=together.judge(dataset, model.raw, parts, calibration, fitter.policy.seed),
        reasons=explained.policy if explained else None,
    )


def _fine_tuned(
    fitter: CrossFitter, frozen: Fitted, tuning: FineTuning, step: Callable[[str], None]
) -> Fitted:
    """The frozen model or the fine-tuned one, with both one's figures."""
    dataset, count = fitter.dataset, tuning.plan.folds
    step(f"fine-tuning on {device()}, cross-validated")
    raw, signs = fitter.cross_tuned(tuning, "fold", dataset.coarse_folds(count))
    new_raw, new_signs, frozen_new = None, signs, None
    everything = np.arange(len(dataset.photos))
    source_folds = dataset.source_folds(count)
    if source_folds:
        step("fine-tuning, sources left out")
        new_raw, new_signs = fitter.cross_tuned(tuning, "sources", source_folds)
        # The published backbone without the same sources: fewer folds leave more of them out.
        harder = fitter.cross_fitted(ThreeWay.kind, source_folds)
        frozen_new = fitter.judged(harder, [(frozen.calibration, everything)])
    step("fine-tuning on everything")
    usable = dataset.usable(everything, np.array([], np.intp))
    tuned, heads = fitter.tuned(tuning, "everything", usable)
    first = tuning.first_looks(tuned.tail)
    model = _Model(heads, first, raw, new_raw, signs, new_signs)
    policy = fitter.policy.tuned
    found = _fitted(replace(fitter, policy=policy), model, frozen.candidates, frozen.left_out)
    before = acceptance.columns(frozen.judged, frozen_new)
    after = acceptance.columns(found.judged, found.new_sources)
    decision = acceptance.decide(before, after)
    comparison = Comparison(before, after, tuning.plan.recipe, count, decision)
    if not decision.accepted:
        return replace(frozen, comparison=comparison)
    published = frozen.judged.stressed
    return replace(found, comparison=comparison, tail=tuned.tail, published=published)


def _naming(heads: Heads, classes: Classes, calibration: Calibration) -> Naming:
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
