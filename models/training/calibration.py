"""From the logits of heads that never saw a photo, to probabilities, thresholds and sets.

Probabilities are fitted on photos as they are and under stress, which weigh the same; thresholds
and cuts on photos as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from models.arrays import Array, Floats, Index
from models.data.dataset import NO_BIRD, Dataset
from models.data.samples import MARGIN, Views
from models.evaluation import answers, metrics
from models.evaluation.answers import Answers
from models.training.heads import Logits
from parrot.model.look import SecondLook, View
from parrot.model.rules import JointPolicy, NamingPolicy, Rules
from parrot.records import Scores

# Chosen on the photos that the default bundle's card names: docs/decisions.md.
LOOK_AGAIN = SecondLook(
    (View.CENTER, View.CLOSER),
    low=0.05,
    high=0.85,
    margin=MARGIN,
    bird=0.4,
    nothing=0.5,
    caution=6.0,
)
SURE = 0.7  # probability from which on a group or family is named
_USED = 0.85  # of the error that coverage allows: on sources that chose no cut it is larger
_NEVER = 2.0  # "another parrot" is never that likely


@dataclass(frozen=True, slots=True)
class FitPolicy:
    """What a person decides about a fit."""

    keep: float = 0.955  # share of parrots that the gate lets through: docs/decisions.md
    maybe: float = 0.985  # share of parrots that are at least maybe one
    no_bird: float = 0.5  # added to the gate's logit of "no bird": docs/decisions.md
    coverage: float = 0.95  # how often the set of species shall hold the true one
    none: float = 0.65  # share of the remaining error that may be an empty set
    alone: float = 0.96  # share of the sets of one known species that are named by it
    served: int | None = None  # species that the served model names, the first ones; None: all
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns logits into answers."""

    gate: Scale
    temperature: float
    group_temperature: float
    served_temperature: float
    rules: Rules

    def answers(self, logits: Logits, photos: Index, sample: int) -> Answers:
        """What is answered for one sample of each of these photos."""
        heads = (logits.gate, logits.species, logits.groups)
        ends = np.cumsum([head.shape[-1] for head in heads[:-1]])

        def score(looks: Floats) -> Scores:
            gate, species, groups = np.split(looks, ends, axis=-1)
            kinds = _softmax(self.gate(gate))
            return Scores(
                parrot=kinds[..., 0],
                others=kinds[..., 1:],
                species=_softmax(species / self.temperature),
                groups=_softmax(groups / self.group_temperature),
            )

        looks = np.concatenate([head[photos, sample] for head in heads], axis=-1)
        return answers.answer(score, looks, self.rules)


@dataclass(frozen=True, slots=True)
class Scale:
    """Logits to honest ones: times `slope`, plus a bias for each class."""

    slope: float
    biases: Array

    def __call__(self, logits: Array | Floats) -> Array:
        """(..., classes)."""
        return np.asarray(self.slope * logits + self.biases)


def calibrate(logits: Logits, data: Dataset, policy: FitPolicy, photos: Index) -> Calibration:
    """Calibrate on these photos. How reasons are given is fitted later."""
    naming = NamingPolicy(policy.coverage, _NEVER, 0.5, SURE)
    rules = Rules(
        0.5,
        naming=naming,
        second_look=LOOK_AGAIN,
        joint=JointPolicy(),
    )
    draft = Calibration(
        _scale(logits.gate[photos], data.kind[photos], policy.no_bird),
        _temperature(logits.species[photos], data.species_class[photos]),
        _temperature(logits.groups[photos], data.group_class[photos]),
        _temperature(logits.served[photos], data.served_class[photos]),
        rules,
    )
    parrots = draft.answers(logits, photos[data.parrot[photos]], 0).decision.scores.parrot
    yes, maybe = (
        metrics.threshold_keeping(np.asarray(parrots, np.float64), share)
        for share in (policy.keep, policy.maybe)
    )
    draft = replace(draft, rules=replace(rules, threshold=yes, maybe=maybe))
    known = photos[data.target[photos] >= 0]
    strangers = bool((data.species_class == len(data.species)).any())
    for _ in range(2):  # which look counts depends on the sets, and they on the look
        decision = draft.answers(logits, known, 0).decision
        species = np.asarray(decision.scores.species, np.float64)[decision.is_named]
        target = data.target[known[decision.is_named]]
        naming = _naming(species, target, policy, strangers=strangers)
        draft = replace(draft, rules=replace(draft.rules, naming=naming))
    return draft


def _softmax(logits: Array | Floats) -> Array:
    if not logits.shape[-1]:
        return np.asarray(logits, np.float64)
    exp = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(exp / exp.sum(axis=-1, keepdims=True))


def _weights(shape: tuple[int, ...]) -> Array:
    """Photos as they are and under stress weigh the same, whatever their number."""
    weights = np.ones(shape)
    weights[:, 1:] /= max(1, shape[1] - 1)
    return weights


def _scale(logits: Floats, kind: Index, no_bird: float) -> Scale:
    """The slope and biases under which first looks at these photos are likeliest.

    `no_bird` is then added to the logit of "no bird".
    """
    first = logits[:, :, Views.WHOLE].astype(np.float64)
    weights, truth = _weights(first.shape[:2])[..., None], kind[:, None, None]
    known = np.unique(kind)

    def scale(values: Array) -> Scale:
        biases = np.zeros(first.shape[-1])
        biases[known[1:]] = values[1:]
        return Scale(float(np.exp(values[0])), biases)

    def loss(values: Array) -> float:
        likely = np.take_along_axis(_softmax(scale(values)(first)), truth, axis=-1)
        return float(np.average(-np.log(likely + 1e-12), weights=weights))

    best = scale(minimize(loss, np.zeros(len(known)), method="BFGS").x)
    best.biases[NO_BIRD] += no_bird
    return best


def _temperature(logits: Floats, classes: Index) -> float:
    """What to divide logits by so that probabilities are honest (Guo et al., 2017)."""
    known = np.flatnonzero(classes >= 0)
    if not len(known) or logits.shape[-1] < 2:  # noqa: PLR2004 - nothing to tell apart
        return 1.0
    looks = logits[known][:, :, [Views.WHOLE, Views.CLOSER]].mean(axis=2, dtype=np.float64)
    weights, truth = _weights(looks.shape[:2]).ravel(), np.repeat(classes[known], looks.shape[1])
    flat = looks.reshape(len(truth), -1)

    def loss(log_temperature: float) -> float:
        probabilities = _softmax(flat / np.exp(log_temperature))
        losses = -np.log(probabilities[np.arange(len(truth)), truth] + 1e-12)
        return float(np.average(losses, weights=weights))

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def _naming(species: Array, target: Index, policy: FitPolicy, *, strangers: bool) -> NamingPolicy:
    """Cuts for "none of them" and for "in the set", from known species (n, classes)."""
    if not len(target):
        return NamingPolicy(policy.coverage, _NEVER, 0.5, SURE)
    error, other = (1 - policy.coverage) * _USED, species[:, -1]
    cut = float(np.quantile(other, 1 - error * policy.none, method="inverted_cdf"))
    if not strangers:  # nobody knows how likely "another parrot" is where there was none
        cut = _NEVER
    known = species[:, :-1]
    shares = known / np.maximum(known.sum(axis=1, keepdims=True), 1e-9)
    true = shares[np.arange(len(target)), target][other <= cut]
    left = error * (1 - policy.none) / (1 - error * policy.none)
    share = float(np.quantile(true, left, method="lower"))
    one = other[((shares >= share).sum(axis=1) == 1) & (other <= cut)]
    alone = float(np.quantile(one, policy.alone, method="inverted_cdf")) if len(one) else cut
    return NamingPolicy(
        policy.coverage,
        other=float(np.nextafter(cut, np.inf)),
        share=share,
        sure=SURE,
        alone=float(np.nextafter(alone, np.inf)) if strangers else None,
    )
