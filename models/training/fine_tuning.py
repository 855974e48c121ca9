"""Fine-tuned last blocks for each fold: fitted without its photos, and what they see in them."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from models.data.dataset import NO_BIRD, looks
from models.network.backbone import Backbone, pooled_features
from models.network.lazy_tf import tf
from models.training.batches import Batches
from models.training.heads import LinearHead, LinearHeads, Logits, fit_heads
from models.training.tuner import Recipe, tune
from parrot.model.gate import ThreeWay

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from models.arrays import Flags, Halves, Index
    from models.data.dataset import Dataset, Folds
    from models.data.features import Extractor
    from models.network.weights import Tail
    from models.training.calibration import FitPolicy
    from parrot.records import Floats

    Progress = Callable[[str, int], Callable[[int], None]]

# Raise when the drawing of batches, the loss or the step change what they compute.
_REVISION = 1
_BATCH = 48


@dataclass(frozen=True, slots=True)
class FineTuningOrder:
    """How to fine-tune, and where its state is kept."""

    checkpoints: Path  # folder
    recipe: Recipe = field(default_factory=Recipe)
    folds: int = 3  # of the cross-validation, and of the sources: each costs as much as the bundle


@dataclass(frozen=True)
class FineTuner:
    """Fine-tunes last blocks on a dataset whose maps the extractor kept."""

    order: FineTuningOrder
    data: Dataset
    extractor: Extractor
    policy: FitPolicy
    progress: Progress

    def cross_tuned(self, name: str, folds: Folds) -> Logits:
        """Logits for each photo by last blocks and heads that were fine-tuned without its fold."""
        parts = []
        for number, (train, test) in enumerate(folds, 1):
            usable = self.data.usable(train, test)
            tail, heads = self.tuned(f"{name} {number} of {len(folds)}", usable)
            features, signs = self._seen(tail, test)
            parts.append((test, heads.logits(looks(features), signs)))
        return Logits.joined(parts)

    def tuned(self, name: str, usable: Flags) -> tuple[Tail, LinearHeads]:
        """Last blocks, and the heads that were fitted with them, on the usable (photos, samples).

        They start from heads that were fitted to the published blocks.
        """
        start, recipe, seed = fit_heads(self.data, usable), self.order.recipe, self.policy.seed
        weights, biases = start.gate.weights, start.gate.biases
        gate = LinearHead(weights.astype(np.float32), biases.astype(np.float32))
        tuned = tune(
            self._backbone,
            (gate, start.species, start.groups),
            Batches(self.data, usable, recipe.batch, seed),
            self._maps,
            recipe=recipe,
            checkpoint=self._checkpoint(usable, seed),
            progress=self.progress(f"fine-tuning, {name}", recipe.steps),
        )
        biases = tuned.gate.biases.astype(np.float64)
        biases[NO_BIRD] += self.policy.no_bird_tuned
        scorer = ThreeWay(tuned.gate.weights.astype(np.float64), biases)
        return tuned.tail, LinearHeads(scorer, tuned.species, tuned.groups)

    def first_looks(self, tail: Tail) -> Floats:
        """(photos, features) of the whole photos as they are."""
        network = self._backbone.with_tail(tail)
        graph = tf().function(
            lambda maps: pooled_features(network.after_trunk(tf().cast(maps, tf().float32)))
        )
        maps = self._maps[:, 0, 0]
        parts = [maps[start : start + _BATCH] for start in range(0, len(maps), _BATCH)]
        return np.concatenate([graph(part).numpy() for part in parts])

    def _seen(self, tail: Tail, photos: Index) -> tuple[Floats, Floats]:
        """(photos, samples, views, features) and (photos, samples, signs) after these last blocks.

        The closer look is where these blocks themselves see the parrot.
        """
        flat = [sample for photo in photos.tolist() for sample in self.data.samples[photo]]
        report = self.progress("features after fine-tuning", len(flat))
        extractor, shape = self.extractor.after(tail), self.data.features.shape
        features, signs = extractor.features(flat, report), extractor.signs(flat)
        samples = shape[1]
        return features.reshape(-1, *shape[1:]), signs.reshape(len(photos), samples, -1)

    @cached_property
    def _backbone(self) -> Backbone:
        return Backbone.load()

    @cached_property
    def _maps(self) -> Halves:
        """(photos, samples, views, cells, cells, channels)."""
        maps = self.extractor.maps(self.data.flat_samples)
        return maps.reshape(len(self.data.photos), -1, *maps.shape[1:])

    def _checkpoint(self, usable: Flags, seed: int) -> Path:
        """A name that changes with everything that decides where the run ends."""
        name = hashlib.sha256(f"{_REVISION} {seed} {asdict(self.order.recipe)}".encode())
        name.update(self.extractor.digest(self.data.flat_samples))
        for array in (usable, self.data.kind, self.data.species_class, self.data.group_class):
            name.update(array.tobytes())
        return self.order.checkpoints / f"{name.hexdigest()[:24]}.npz"
