"""The linear heads that are fitted on features: the gate, and the names of species and groups.

On photos alone, without each fold to judge them, or drawn to the heads that they start from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from joblib import Parallel, delayed
from scipy.optimize import minimize
from scipy.special import log_softmax, logsumexp
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from models.arrays import Array, Flags, Floats, Index, of_each
from models.data.dataset import KINDS, PARROT, Dataset
from models.data.samples import JUDGED
from parrot.model.heads import Gate, LogisticCurve, Naming, Projection, Softmax, ThreeWay

AS_IT_IS = LogisticCurve(1.0, 0.0)  # a gate whose scale is in its weights
IMPOSSIBLE = -30.0  # logit of a class without photos
# Inverse regularisation, chosen by cross-validation.
_GATE_STRENGTH, _SPECIES_STRENGTH, _GROUP_STRENGTH = 0.01, 0.1, 1.0
_ITERATIONS = 80  # enough for a head; the last digits change no answer
# Of heads drawn to others, for the sum over photos; docs/training.md says what they do to people
# who were left out.
_DRAWN_GATE, _DRAWN_NAMES, _DRAWN_NEW = 0.0001, 0.003, 3.0
_DRAWN_ITERATIONS = 60


@dataclass(frozen=True, slots=True)
class LinearHead:
    """Logits: features (..., d) @ weights (d, classes) + biases (classes)."""

    weights: Floats
    biases: Floats

    def __call__(self, features: Floats) -> Floats:
        """(..., d) to (..., classes)."""
        return np.asarray(features @ self.weights + self.biases, np.float32)


@dataclass(frozen=True, slots=True)
class Logits:
    """What the heads say, by photo, sample and view; heads are linear, so means are of means."""

    gate: Floats  # by kind: see `Dataset.kind`
    species: Floats
    groups: Floats
    served: Floats
    signs: Floats  # (photos, samples, signs) of where these heads look closer


@dataclass(frozen=True, slots=True)
class LinearHeads:
    """Everything that is fitted on features."""

    gate: LinearHead
    species: LinearHead
    groups: LinearHead
    served: LinearHead  # the served model's own names: what phones of the first version know

    def as_gate(self) -> Gate:
        """The gate as functions have it."""
        weights, biases = (
            array.astype(np.float64) for array in (self.gate.weights, self.gate.biases)
        )
        whole = Projection(np.zeros(len(weights)), np.ones(len(weights)))
        return Gate(whole, ThreeWay(weights, biases), AS_IT_IS)

    def as_naming(self, group_ids: tuple[str, ...]) -> Naming:
        """The names of species and groups as functions have them."""
        species, groups = (
            Softmax(head.weights, head.biases) for head in (self.species, self.groups)
        )
        return Naming(species, groups, group_ids)

    def logits(self, features: Floats, signs: Floats) -> Logits:
        """Of features (n, samples, views, d), and signs (n, samples, signs)."""
        return Logits(
            gate=self.gate(features),
            species=self.species(features),
            groups=self.groups(features),
            served=self.served(features),
            signs=signs,
        )


def fit_heads(data: Dataset, usable: Flags) -> LinearHeads:
    """Heads fitted on the usable (photos, samples). Every class weighs the same."""
    views = data.views(usable)

    def named(classes: Index, count: int, strength: float) -> LinearHead:
        known = parrots(data, views, classes)
        labels = classes[np.nonzero(known)[0]]
        return regression(data.features[known], labels, count, strength=strength)

    return LinearHeads(
        regression(data.features[views], data.view_kind[views], KINDS, strength=_GATE_STRENGTH),
        named(data.species_class, len(data.species) + 1, _SPECIES_STRENGTH),
        named(data.group_class, len(data.group_ids), _GROUP_STRENGTH),
        named(data.served_class, data.served, _SPECIES_STRENGTH),
    )


def cross_fitted(data: Dataset) -> Logits:
    """Logits for each photo by heads that were fitted without its fold.

    One fold a core, each on one thread: twice as many threads as cores wait for each other.
    """

    def held_out(train: Index, test: Index) -> tuple[Index, Logits]:
        heads = fit_heads(data, data.usable(train, test))
        return test, heads.logits(data.features[test, :JUDGED], data.signs[test, :JUDGED])

    with threadpool_limits(1):
        # Threads share the features; solvers spend their time in BLAS, without the GIL.
        parallel = Parallel(n_jobs=-1, prefer="threads")
        logits: Logits = of_each(parallel(delayed(held_out)(*fold) for fold in data.folds))
        return logits


def parrots(data: Dataset, views: Flags, classes: Index) -> Flags:
    """The views (photos, samples, views) on parrots whose photos have a class, -1 being none."""
    known: Flags = views & (classes >= 0)[:, None, None] & (data.view_kind == PARROT)
    return known


def blank_heads(data: Dataset) -> LinearHeads:
    """Heads of the right shapes, for whoever has their weights."""
    counts = (KINDS, len(data.species) + 1, len(data.group_ids), data.served)
    shape = data.features.shape[-1]
    return LinearHeads(
        *(LinearHead(np.zeros((shape, n), np.float32), np.zeros(n, np.float32)) for n in counts)
    )


def regression(x: Floats, y: Index, count: int, *, strength: float) -> LinearHead:
    """Multinomial logistic regression: classes 0..count-1, whichever of them have rows.

    `strength` is the inverse of the regularisation.
    """
    weights = np.zeros((x.shape[1], count), np.float32)
    biases = np.full(count, IMPOSSIBLE, np.float32)
    present = np.unique(y)
    biases[present] = 0
    if len(present) < 2:  # noqa: PLR2004 - nothing to tell apart
        return LinearHead(weights, biases)
    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=_ITERATIONS)
    model.fit(x, y)
    # Of two classes scikit-learn keeps the second one's row only.
    fitted = model.classes_ if len(model.coef_) == len(model.classes_) else model.classes_[1:]
    weights[:, fitted], biases[fitted] = model.coef_.T, model.intercept_
    return LinearHead(weights, biases)


def drawn_heads(data: Dataset, start: LinearHeads, *, new: int = 0) -> LinearHeads:
    """Heads that start from known weights and are drawn back to them; every photo weighs the same.

    Few new photos move old weights as far as they contradict them, and no further: what they say
    nothing about stays as it was.

    A head for which there is nothing to tell apart stays as it was. "Not a parrot" says not which
    of the other kinds, and "another parrot" teaches no known names: what is settled so is mostly
    what they doubted, and would take doubtful photos of known kinds with it. The last `new`
    species, which the start only guesses, first learn alone what sets them apart from all others.
    """
    views = data.views(data.everything)

    def learnt(
        head: LinearHead, known: Flags, said: Flags, strength: float, free: Flags | None = None
    ) -> LinearHead:
        if len(np.unique(said, axis=0)) < 2:  # noqa: PLR2004 - nothing to tell apart
            return head
        photos = np.nonzero(known)[0]
        weight = 1 / np.bincount(photos)[photos]
        return drawn(data.features[known], said, weight, head, strength=strength, free=free)

    def named(
        head: LinearHead, classes: Index, strength: float, free: Flags | None = None
    ) -> LinearHead:
        known = parrots(data, views, classes)
        said = np.eye(len(head.biases), dtype=bool)[classes[np.nonzero(known)[0]]]
        return learnt(head, known, said, strength, free)

    kinds, species = data.species_class, start.species
    if new:
        free = np.zeros(len(species.biases), bool)
        free[-1 - new : -1] = True
        species = named(species, kinds, _DRAWN_NEW, free)
    seen = np.eye(KINDS, dtype=bool)[data.view_kind[views]]
    seen[~data.parrot[np.nonzero(views)[0]]] = np.arange(KINDS) != PARROT
    return LinearHeads(
        learnt(start.gate, views, seen, _DRAWN_GATE),
        named(species, np.where(kinds == len(data.species), -1, kinds), _DRAWN_NAMES),
        named(start.groups, data.group_class, _DRAWN_NAMES),
        named(start.served, data.served_class, _DRAWN_NAMES),
    )


def drawn(  # noqa: PLR0913 - what is said, of what, and how much may move
    x: Floats,
    said: Flags,
    weight: Array,
    start: LinearHead,
    *,
    strength: float,
    free: Flags | None = None,
) -> LinearHead:
    """The head of `start`'s classes with the least strength * loss + |difference|^2 / 2.

    x (n, d), said (n, classes) the classes that each row may be, weight (n) of each row in the sum
    of the losses: -log of how likely one of these is. The difference is that of all weights and
    biases to those of `start`, of which only those of the `free` (classes) move.
    """
    old = np.vstack([start.weights, start.biases]).astype(np.float64)
    scale = strength * weight
    free = np.ones(old.shape[1], bool) if free is None else free

    def loss(flat: Array) -> tuple[float, Array]:
        both = old.copy()
        both[:, free] = flat.reshape(len(old), -1)
        moved = both - old
        logits = log_softmax((x @ both[:-1].astype(x.dtype)).astype(np.float64) + both[-1], axis=1)
        those = np.where(said, logits, -np.inf)
        likely = logsumexp(those, axis=1)
        total = float(np.square(moved).sum() / 2 - scale @ likely)
        pull = scale[:, None] * (np.exp(logits) - np.exp(those - likely[:, None]))
        slope = np.vstack([x.T @ pull.astype(x.dtype), pull.sum(axis=0)]) + moved
        return total, slope[:, free].ravel()

    options = {"maxiter": _DRAWN_ITERATIONS}
    best = minimize(loss, old[:, free].ravel(), jac=True, method="L-BFGS-B", options=options)
    old[:, free] = best.x.reshape(len(old), -1)
    both = old.astype(np.float32)
    return replace(start, weights=both[:-1], biases=both[-1])
