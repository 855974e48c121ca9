"""From the logits of heads that never saw a photo, to probabilities, thresholds and sets.

Photos as they are and photos under stress weigh the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.data.features import MARGIN
from models.evaluation import answers, metrics
from models.network.head import softmax
from parrot.model.gate import LogisticCurve, MonotoneTable
from parrot.model.look import SecondLook, View
from parrot.model.rules import JointPolicy, NamingPolicy, Rules
from parrot.records import Scores

if TYPE_CHECKING:
    from models.arrays import Array, Index
    from models.data.dataset import Dataset
    from models.evaluation.answers import Answers

SURE = 0.7  # probability from which on a group or family is named
_NEVER = 2.0  # "another parrot" is never that likely
_CURVED = frozenset({"logistic", "three-way"})  # scores that Platt's curve fits


@dataclass(frozen=True, slots=True)
class Targets:
    """What the calibration aims at."""

    keep: float  # share of parrots, as they are, that the gate lets through
    coverage: float  # how often the set holds the true species
    none: float  # share of the error that may be an empty set
    low: float  # probabilities of parrot between which to look again
    high: float


@dataclass(frozen=True, slots=True)
class Raw:
    """By photo, sample and state (first look, mean of all): scores and logits."""

    gate: Array
    species: Array
    groups: Array
    birds: Array  # of what is not a parrot, the share of other birds; see `parrot.model.gate`

    @classmethod
    def empty(cls, dataset: Dataset, species: int, groups: int) -> Raw:
        """Zeros, to be filled fold by fold."""
        shape = dataset.looks.shape[:3]
        return cls(
            np.zeros(shape),
            np.zeros((*shape, species)),
            np.zeros((*shape, groups)),
            np.zeros(shape),
        )

    def put(self, chosen: Index, found: Raw) -> None:
        """Take over the rows of the chosen photos."""
        self.gate[chosen], self.species[chosen], self.groups[chosen] = (
            found.gate,
            found.species,
            found.groups,
        )
        self.birds[chosen] = found.birds


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns scores and logits into answers."""

    curve: LogisticCurve | MonotoneTable
    threshold: float
    temperature: float
    group_temperature: float
    naming: NamingPolicy
    second: SecondLook

    @property
    def rules(self) -> Rules:
        """What a bundle says of it; how reasons are given is fitted later."""
        return Rules(
            self.threshold, naming=self.naming, second_look=self.second, joint=JointPolicy()
        )

    def answers(self, raw: Raw, chosen: Index, sample: int) -> Answers:
        """What is answered for one sample of each of the chosen photos."""
        temperatures = (self.temperature, self.group_temperature)
        return answers.answer(_scores(self.curve, temperatures, raw, (chosen, sample)), self.rules)


def calibrate(  # noqa: PLR0913, PLR0917 - what a calibration needs
    raw: Raw,
    kind: str,
    dataset: Dataset,
    classes: tuple[Index, Index],
    targets: Targets,
    chosen: Index,
) -> Calibration:
    """Calibrate on the chosen photos; `classes` are their species and group, -1 for none."""
    curve = _curve(kind, raw.gate[chosen], dataset.parrot[chosen])
    temperatures = (
        _temperature(raw.species[chosen], classes[0][chosen]),
        _temperature(raw.groups[chosen], classes[1][chosen]),
    )
    second = SecondLook((View.CENTER, View.CLOSER), targets.low, targets.high, MARGIN)
    known = chosen[dataset.target[chosen] >= 0]
    samples = raw.gate.shape[1]
    naming = NamingPolicy(targets.coverage, _NEVER, 0.5, SURE)
    calibration = Calibration(curve, 0.0, *temperatures, naming, second)
    for _ in range(2):  # which look counts depends on the sets, and they on the look
        found = [
            calibration.answers(raw, known, sample).decision.scores.species
            for sample in range(samples)
        ]
        species = [np.asarray(rows, np.float64) for rows in found]
        naming = _naming(species, dataset.target[known], targets)
        calibration = replace(calibration, naming=naming)
    parrots = chosen[dataset.parrot[chosen]]
    first = calibration.answers(raw, parrots, 0)
    parrot = first.decision.scores.parrot.astype(np.float64)
    return replace(calibration, threshold=metrics.threshold_keeping(parrot, targets.keep))


def _scores(
    curve: LogisticCurve | MonotoneTable,
    temperatures: tuple[float, float],
    raw: Raw,
    where: tuple[Index, int],
) -> Scores:
    return Scores(
        parrot=curve(raw.gate[where]),
        birds=raw.birds[where],
        species=_probabilities(raw.species[where] / temperatures[0]),
        groups=_probabilities(raw.groups[where] / temperatures[1]),
    )


def _probabilities(logits: Array) -> Array:
    if not logits.shape[-1]:
        return logits
    return softmax(logits.reshape(-1, logits.shape[-1])).reshape(logits.shape)


def _weights(shape: tuple[int, ...]) -> Array:
    """Photos as they are and under stress weigh the same, whatever their number."""
    weights = np.ones(shape)
    weights[:, 1:] /= max(1, shape[1] - 1)
    return weights


def _curve(
    kind: str, scores: Array, parrot: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> LogisticCurve | MonotoneTable:
    """Score to probability: Platt's logistic curve, or for densities an isotonic table."""
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415 - 0.8 s, not for --help
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - 0.8 s, not for --help

    truth = np.broadcast_to(parrot[:, None, None], scores.shape).ravel()
    weights, flat = _weights(scores.shape).ravel(), scores.ravel()
    if kind in _CURVED:
        model = LogisticRegression(C=1e6).fit(flat[:, None], truth, weights)
        return LogisticCurve(float(model.coef_[0, 0]), float(model.intercept_[0]))
    table = IsotonicRegression(out_of_bounds="clip").fit(flat, truth, weights)
    return MonotoneTable(
        np.asarray(table.X_thresholds_, np.float64), np.asarray(table.y_thresholds_, np.float64)
    )


def _temperature(logits: Array, classes: Index) -> float:
    """What to divide logits by so that probabilities are honest (Guo et al., 2017)."""
    from scipy.optimize import minimize_scalar  # noqa: PLC0415 - 0.5 s, not for --help

    known = np.flatnonzero(classes >= 0)
    if not len(known) or logits.shape[-1] < 2:  # noqa: PLR2004 - nothing to tell apart
        return 1.0
    found = logits[known]
    weights = _weights(found.shape[:3]).ravel()
    truth = np.broadcast_to(classes[known][:, None, None], found.shape[:3]).ravel()
    flat = found.reshape(-1, found.shape[-1])

    def loss(log_temperature: float) -> float:
        probabilities = softmax(flat / np.exp(log_temperature))
        losses = -np.log(probabilities[np.arange(len(truth)), truth] + 1e-12)
        return float(np.average(losses, weights=weights))

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def _naming(species: list[Array], target: Index, targets: Targets) -> NamingPolicy:
    """Cuts for "none of them" and for "in the set", from known species, by sample (n, classes)."""
    if not len(target):
        return NamingPolicy(targets.coverage, _NEVER, 0.5, SURE)
    found = np.stack(species, axis=1)
    weights = _weights(found.shape[:2]).ravel()
    error = 1 - targets.coverage
    other = found[..., -1].ravel()
    cut = metrics.weighted_quantile(other, weights, 1 - error * targets.none)
    if not (other > 0).any():
        cut = _NEVER
    known = found[..., :-1]
    shares = known / np.maximum(known.sum(axis=-1, keepdims=True), 1e-9)
    true = shares[np.arange(len(target)), :, target].ravel()
    kept = other < cut
    left = error * (1 - targets.none) / (1 - error * targets.none)
    return NamingPolicy(
        targets.coverage,
        other=float(np.nextafter(cut, np.inf)),
        share=metrics.weighted_quantile(true[kept], weights[kept], left),
        sure=SURE,
    )
