"""Fine-tune a backbone's last blocks and the heads behind them, together, on the trunk's maps.

One step is one batch of maps with its classes, Adam with a cosine that ends at zero. The depthwise
kernels stay as they are: they are 4 % of the weights and more than half of the time. Every weight
is pulled towards where it began, since there are a few hundred photos for millions of them.

The state of a run is in one file, written to another name and renamed, so that a run that is
killed continues from its last checkpoint and ends with the same weights.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from models.arrays import Array, Flags, Halves, Index
from models.data.dataset import NO_BIRD, NOT_ALIVE, OTHER_BIRD, PARROT, Dataset
from models.data.samples import Views
from models.network.backbone import Backbone, scaled_roots
from models.network.lazy_tf import tf
from models.network.weights import Tail
from models.training.heads import LinearHead

_MOMENTUM, _VARIANCE, _TINY = 0.9, 0.999, 1e-7  # Adam's
_ROOT_FLOOR = 1e-8  # a channel without any activation has a root without a slope
_LOSSES = (1.0, 1.5, 0.5, 0.5)  # weights of gate, species, groups and the served model's species

# Non-birds are drawn often: fine-tuning on parrots and birds alone forgets them.
# Parrots of the table, other parrots, other birds, no birds, and what is not alive.
_SHARES = (0.4, 0.1, 0.2, 0.25, 0.05)
_CLEAN = 0.4  # share of photos as they are
_VIEWS = (Views.WHOLE, Views.CENTER, Views.CLOSER, Views.CLOSER, Views.SECOND)
_MIRRORED = 0.5


@dataclass(frozen=True, slots=True)
class Recipe:
    """How long and how boldly; chosen on the photos that the default bundle's card names."""

    steps: int = 600
    batch: int = 32
    body_rate: float = 4e-4
    head_rate: float = 1e-3
    warm_up: int = 20  # steps until the full rate
    pull: float = 2e-3
    dropout: float = 0.2
    smoothing: float = 0.05
    every: int = 50  # steps between checkpoints


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows by photo, sample and view, and what each shows; -1 is for no class."""

    photos: Index
    samples: Index
    views: Index
    mirrored: Flags
    kinds: Index
    species: Index
    groups: Index
    served: Index

    @property
    def classes(self) -> tuple[Index, ...]:
        """Of the gate, the species, the groups, and the served model's species."""
        return self.kinds, self.species, self.groups, self.served

    def of(self, maps: Halves) -> Halves:
        """The rows' maps out of those of every photo (photos, samples, views, cells, cells, c)."""
        rows = maps[self.photos, self.samples, self.views]
        rows[self.mirrored] = rows[self.mirrored, :, ::-1]
        return rows


@dataclass(frozen=True)
class Batches:
    """Which photos, samples and views a step sees, of the usable ones: by seed and step alone.

    No state is kept between steps, so that a killed run continues exactly as it would have.
    """

    dataset: Dataset
    usable: Flags
    size: int
    seed: int

    def draw(self, step: int) -> Batch:
        """The batch of this step, always the same one."""
        rng = np.random.default_rng([self.seed, step])
        pools, shares, weights = self._pools
        chosen = rng.choice(len(pools), self.size, p=shares)
        photos = np.array([rng.choice(pools[pool], p=weights[pool]) for pool in chosen], np.intp)
        samples = np.array([self._sample(photo, rng) for photo in photos.tolist()], np.intp)
        views = rng.choice(np.array(_VIEWS, np.intp), self.size)
        data, mirrored = self.dataset, rng.random(self.size) < _MIRRORED
        views[data.view_kind[photos, samples, views] < 0] = Views.WHOLE
        kinds = data.view_kind[photos, samples, views]
        names = (data.species_class, data.group_class, data.served_class)
        named = (np.where(kinds == PARROT, classes[photos], -1) for classes in names)
        return Batch(photos, samples, views, mirrored, kinds, *named)

    def _sample(self, photo: int, rng: np.random.Generator) -> int:
        """Other birds under stress only, as in `Dataset.views`, if there is any stress."""
        stressed = np.flatnonzero(self.usable[photo, 1:]) + 1
        clean = rng.random() < _CLEAN and self.dataset.kind[photo] != OTHER_BIRD
        if not len(stressed) or (clean and self.usable[photo, 0]):
            return 0
        return int(rng.choice(stressed))

    @cached_property
    def _pools(self) -> tuple[list[Index], Array, list[Array]]:
        """Photos of each kind that has any, how often it is drawn, and each photo's weight."""
        data, species = self.dataset, self.dataset.species_class
        usable = self.usable.any(axis=1)
        known = data.target >= 0
        others = (data.kind == kind for kind in (OTHER_BIRD, NO_BIRD, NOT_ALIVE))
        masks = (known, data.parrot & ~known, *others)
        pools = [np.flatnonzero(usable & mask) for mask in masks]
        some = [number for number, pool in enumerate(pools) if len(pool)]
        shares = np.array([_SHARES[number] for number in some])
        weights = [np.ones(len(pools[number])) for number in some]
        if some[0] == 0:  # rare species more often than they are there
            counts = np.bincount(species[pools[0]])[species[pools[0]]]
            weights[0] = 1 / np.sqrt(counts.astype(np.float64))
        return (
            [pools[number] for number in some],
            shares / shares.sum(),
            [weight / weight.sum() for weight in weights],
        )


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a run ends with: last blocks as they are read from a bundle, and the heads."""

    tail: Tail
    heads: tuple[LinearHead, ...]


class Tuner:
    """The weights of one run and their step."""

    def __init__(self, backbone: Backbone, heads: Sequence[LinearHead], recipe: Recipe) -> None:
        self._backbone, self._recipe = backbone, recipe
        variable = tf().Variable
        self._kernels = [variable(kernel) for kernel in backbone.tail.kernels]
        self._biases = [variable(bias) for bias in backbone.tail.biases]
        self._heads = [
            (variable(np.float32(head.weights)), variable(np.float32(head.biases)))
            for head in heads
        ]
        body = [
            kernel
            for kernel, convolution in zip(self._kernels, backbone.last, strict=True)
            if not convolution.depthwise
        ] + self._biases
        self._start = [tf().constant(weight.numpy()) for weight in body]
        self._body = body
        self._learned = [*body, *(weight for head in self._heads for weight in head)]
        self._moments = [
            (variable(tf().zeros_like(weight)), variable(tf().zeros_like(weight)))
            for weight in self._learned
        ]
        self._network = backbone.with_tail(Tail(tuple(self._kernels), tuple(self._biases)))
        self._graph = tf().function(self._step)

    def step(self, number: int, maps: Halves, batch: Batch, seed: int) -> float:
        """Learn from one batch; its loss."""
        constant = tf().constant
        classes = [constant(rows) for rows in batch.classes]
        return float(
            self._graph(constant(maps), classes, constant(number), constant([seed, number]))
        )

    def tuned(self) -> Tuned:
        """The weights as a bundle will have them."""
        tail = Tail(
            tuple(kernel.numpy() for kernel in self._kernels),
            tuple(bias.numpy() for bias in self._biases),
        )
        return Tuned(
            tail.rounded(),
            tuple(LinearHead(weights.numpy(), biases.numpy()) for weights, biases in self._heads),
        )

    def save(self, path: Path, done: int) -> None:
        """Write the state after `done` steps, completely or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".tmp.npz")
        arrays = {f"w{number}": weight.numpy() for number, weight in enumerate(self._state())}
        np.savez(draft, allow_pickle=False, done=np.intp(done), **arrays)
        os.replace(draft, path)  # noqa: PTH105 - atomic, also over a file that is there

    def restore(self, path: Path) -> int:
        """Take over a state; how many steps it has behind it, 0 if there is none."""
        if not path.is_file():
            return 0
        with np.load(path, allow_pickle=False) as file:
            for number, weight in enumerate(self._state()):
                weight.assign(file[f"w{number}"])
            return int(file["done"])

    def _state(self) -> list[Any]:
        return [*self._learned, *(moment for pair in self._moments for moment in pair)]

    def _step(self, maps: Any, classes: Sequence[Any], number: Any, seed: Any) -> Any:
        with tf().GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(self._learned)
            loss = self._loss(maps, classes, seed)
        gradients = tape.gradient(loss, self._learned)
        recipe, done = self._recipe, tf().cast(number, tf().float32)
        share = 0.5 * (1 + tf().cos(np.pi * done / recipe.steps))
        share *= tf().minimum(1.0, (done + 1) / recipe.warm_up)
        for place, (weight, gradient) in enumerate(zip(self._learned, gradients, strict=True)):
            first, second = self._moments[place]
            first.assign(_MOMENTUM * first + (1 - _MOMENTUM) * gradient)
            second.assign(_VARIANCE * second + (1 - _VARIANCE) * gradient**2)
            rate = recipe.body_rate if place < len(self._body) else recipe.head_rate
            mean = first / (1 - _MOMENTUM ** (done + 1))
            spread = tf().sqrt(second / (1 - _VARIANCE ** (done + 1)))
            weight.assign_sub(rate * share * mean / (spread + _TINY))
        return loss

    def _loss(self, maps: Any, classes: Sequence[Any], seed: Any) -> Any:
        recipe = self._recipe
        activations = self._network.after_trunk(tf().cast(maps, tf().float32))
        features = scaled_roots(tf().reduce_mean(activations, axis=(1, 2)) + _ROOT_FLOOR)
        kept = tf().random.stateless_uniform(tf().shape(features), seed) >= recipe.dropout
        features *= tf().cast(kept, tf().float32) / (1 - recipe.dropout)
        losses = [
            share * self._cross_entropy(features @ weights + biases, truth)
            for share, (weights, biases), truth in zip(_LOSSES, self._heads, classes, strict=True)
        ]
        moved = [
            tf().reduce_sum((weight - start) ** 2)
            for weight, start in zip(self._body, self._start, strict=True)
        ]
        return tf().add_n(losses) + recipe.pull * tf().add_n(moved)

    def _cross_entropy(self, logits: Any, truth: Any) -> Any:
        """Mean over the batch; rows of no class count as nothing lost."""
        count, smoothing = logits.shape[-1], self._recipe.smoothing
        labels = tf().one_hot(tf().maximum(truth, 0), count)
        labels = labels * (1 - smoothing) + smoothing / max(count, 1)  # there may be no groups
        losses = tf().nn.softmax_cross_entropy_with_logits(labels, logits)
        return tf().reduce_sum(losses * tf().cast(truth >= 0, tf().float32)) / self._recipe.batch


def device() -> str:
    """Where steps run: an accelerator if TensorFlow sees one, which it then uses by itself."""
    accelerators = tf().config.list_physical_devices("GPU")
    return f"{len(accelerators)} GPU" if accelerators else "the CPU"


def tune(  # noqa: PLR0913 - what a run needs
    backbone: Backbone,
    heads: Sequence[LinearHead],
    batches: Batches,
    maps: Halves,
    *,
    recipe: Recipe,
    checkpoint: Path,
) -> Tuned:
    """Start from the backbone and these heads, or from the checkpoint."""
    tuner = Tuner(backbone, heads, recipe)
    for number in range(tuner.restore(checkpoint), recipe.steps):
        batch = batches.draw(number)
        tuner.step(number, batch.of(maps), batch, batches.seed)
        if (number + 1) % recipe.every == 0 or number + 1 == recipe.steps:
            tuner.save(checkpoint, number + 1)
    return tuner.tuned()
