"""From the logits of heads that never saw a photo, to probabilities, thresholds and sets.

Photos as they are and photos under stress weigh the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.data.samples import MARGIN
from models.evaluation import metrics
from models.evaluation.answers import Answers
from parrot.model.decision import decide, in_doubt
from parrot.model.gate import LogisticCurve
from parrot.model.look import SecondLook, View
from parrot.model.rules import JointPolicy, NamingPolicy, Rules
from parrot.records import Scores

if TYPE_CHECKING:
    from models.arrays import Array, Flags, Index
    from models.data.dataset import Dataset
    from models.training.heads import Logits

SURE = 0.7  # probability from which on a group or family is named
_NEVER = 2.0  # "another parrot" is never that likely


@dataclass(frozen=True, slots=True)
class FitPolicy:
    """What a person decides about a fit."""

    keep: float = 0.97  # share of parrots that the gate lets through: docs/decisions.md
    more_tuned: float = 0.005  # by how much more it is with fine-tuned last blocks
    no_bird_tuned: float = 1.5  # added to their gate's logit of "no bird": docs/decisions.md
    coverage: float = 0.95  # how often the set of species shall hold the true one
    none: float = 0.55  # share of the remaining error that may be an empty set
    none_tuned: float = 0.84  # the same for fine-tuned last blocks, whose sets are small
    low: float = 0.1  # probabilities of parrot between which to look again
    high: float = 0.9
    source_folds: int = 8
    seed: int = 0

    @property
    def tuned(self) -> FitPolicy:
        """The policy for fine-tuned last blocks."""
        return replace(self, keep=min(1.0, self.keep + self.more_tuned), none=self.none_tuned)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns logits into answers."""

    curve: LogisticCurve
    temperature: float
    group_temperature: float
    rules: Rules

    def answers(self, logits: Logits, photos: Index, sample: int) -> Answers:
        """What is answered for one sample of each of these photos."""
        parrot = self.curve(logits.gate[photos, sample])
        scores = Scores(
            parrot=parrot,
            others=(1 - parrot)[..., None] * logits.others[photos, sample],
            species=_softmax(logits.species[photos, sample] / self.temperature),
            groups=_softmax(logits.groups[photos, sample] / self.group_temperature),
        )
        first, second = decide(scores.at(np.s_[:, 0]), self.rules), self.rules.second_look
        again = np.zeros(len(first.is_parrot), bool) if second is None else in_doubt(first, second)
        chosen = scores.at((np.arange(len(again)), again.astype(np.intp)))
        views = 0 if second is None else len(second.views)
        return Answers(decide(chosen, self.rules), np.asarray(1.0 + views * again))


def calibrate(logits: Logits, data: Dataset, policy: FitPolicy, photos: Index) -> Calibration:
    """Calibrate on these photos. How reasons are given is fitted later."""
    second = SecondLook((View.CENTER, View.CLOSER), policy.low, policy.high, MARGIN)
    naming = NamingPolicy(policy.coverage, _NEVER, 0.5, SURE)
    rules = Rules(0.0, naming=naming, second_look=second, joint=JointPolicy())
    draft = Calibration(
        _curve(logits.gate[photos], data.parrot[photos]),
        _temperature(logits.species[photos], data.species_class[photos]),
        _temperature(logits.groups[photos], data.group_class[photos]),
        rules,
    )
    known = photos[data.target[photos] >= 0]
    strangers = bool((data.species_class == len(data.species)).any())
    samples = range(logits.gate.shape[1])
    for _ in range(2):  # which look counts depends on the sets, and they on the look
        scores = [draft.answers(logits, known, sample).decision.scores for sample in samples]
        species = [np.asarray(row.species, np.float64) for row in scores]
        naming = _naming(species, data.target[known], policy, strangers=strangers)
        rules = replace(rules, naming=naming)
        draft = replace(draft, rules=rules)
    parrots = draft.answers(logits, photos[data.parrot[photos]], 0).decision.scores.parrot
    threshold = metrics.threshold_keeping(np.asarray(parrots, np.float64), policy.keep)
    return replace(draft, rules=replace(rules, threshold=threshold))


def _softmax(logits: Array) -> Array:
    if not logits.shape[-1]:
        return logits
    exp = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(exp / exp.sum(axis=-1, keepdims=True))


def _weights(shape: tuple[int, ...]) -> Array:
    """Photos as they are and under stress weigh the same, whatever their number."""
    weights = np.ones(shape)
    weights[:, 1:] /= max(1, shape[1] - 1)
    return weights


def _curve(scores: Array, parrot: Flags) -> LogisticCurve:
    """Score to probability (Platt, 1999)."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - 0.8 s, not for --help

    truth = np.broadcast_to(parrot[:, None, None], scores.shape).ravel()
    weights = _weights(scores.shape).ravel()
    model = LogisticRegression(C=1e6).fit(scores.reshape(-1, 1), truth, weights)
    return LogisticCurve(float(model.coef_[0, 0]), float(model.intercept_[0]))


def _temperature(logits: Array, classes: Index) -> float:
    """What to divide logits by so that probabilities are honest (Guo et al., 2017)."""
    from scipy.optimize import minimize_scalar  # noqa: PLC0415 - 0.5 s, not for --help

    known = np.flatnonzero(classes >= 0)
    if not len(known) or logits.shape[-1] < 2:  # noqa: PLR2004 - nothing to tell apart
        return 1.0
    states = logits.shape[1:3]
    weights = _weights((len(known), *states)).ravel()
    truth = np.repeat(classes[known], np.prod(states))
    flat = logits[known].reshape(len(truth), -1)

    def loss(log_temperature: float) -> float:
        probabilities = _softmax(flat / np.exp(log_temperature))
        losses = -np.log(probabilities[np.arange(len(truth)), truth] + 1e-12)
        return float(np.average(losses, weights=weights))

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def _naming(
    species: list[Array], target: Index, policy: FitPolicy, *, strangers: bool
) -> NamingPolicy:
    """Cuts for "none of them" and for "in the set", from known species, by sample (n, classes)."""
    if not len(target):
        return NamingPolicy(policy.coverage, _NEVER, 0.5, SURE)
    by_sample = np.stack(species, axis=1)
    weights = _weights(by_sample.shape[:2]).ravel()
    error = 1 - policy.coverage
    other = by_sample[..., -1].ravel()
    cut = metrics.weighted_quantile(other, weights, 1 - error * policy.none)
    if not strangers:  # nobody knows how likely "another parrot" is where there was none
        cut = _NEVER
    known = by_sample[..., :-1]
    shares = known / np.maximum(known.sum(axis=-1, keepdims=True), 1e-9)
    true = shares[np.arange(len(target)), :, target].ravel()
    kept = other < cut
    left = error * (1 - policy.none) / (1 - error * policy.none)
    return NamingPolicy(
        policy.coverage,
        other=float(np.nextafter(cut, np.inf)),
        share=metrics.weighted_quantile(true[kept], weights[kept], left),
        sure=SURE,
    )
