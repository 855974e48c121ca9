"""Heads that start from known weights and are drawn back to them.

Few new photos move old weights as far as they contradict them, and no further: what they say
nothing about stays as it was.
"""

from dataclasses import replace

import numpy as np

from models.arrays import Array, Flags, Floats, Index
from models.data.dataset import KINDS, PARROT, Dataset
from models.training.heads import LinearHead, LinearHeads, parrots

# For the sum over photos; docs/training.md says what they do to people who were left out.
_GATE, _NAMES, _NEW = 0.0001, 0.003, 3.0
_ITERATIONS = 60


def drawn_heads(data: Dataset, start: LinearHeads, *, new: int = 0) -> LinearHeads:
    """Heads drawn to the start's weights; every photo weighs the same.

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
        species = named(species, kinds, _NEW, free)
    seen = np.eye(KINDS, dtype=bool)[data.view_kind[views]]
    seen[~data.parrot[np.nonzero(views)[0]]] = np.arange(KINDS) != PARROT
    return LinearHeads(
        learnt(start.gate, views, seen, _GATE),
        named(species, np.where(kinds == len(data.species), -1, kinds), _NAMES),
        named(start.groups, data.group_class, _NAMES),
        named(start.served, data.served_class, _NAMES),
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
    from scipy.optimize import minimize  # noqa: PLC0415 - 0.5 s, not for --help
    from scipy.special import log_softmax, logsumexp  # noqa: PLC0415 - the same

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

    options = {"maxiter": _ITERATIONS}
    best = minimize(loss, old[:, free].ravel(), jac=True, method="L-BFGS-B", options=options)
    old[:, free] = best.x.reshape(len(old), -1)
    both = old.astype(np.float32)
    return replace(start, weights=both[:-1], biases=both[-1])
