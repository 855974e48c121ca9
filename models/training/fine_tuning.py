"""Fine-tuned last blocks for each fold: fitted without its photos, and what they see in them."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from models.network.backbone import Backbone, pooled_features
from models.network.lazy_tf import tf
from models.training.batches import Batches
from models.training.tuner import Recipe, tune

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from models.arrays import Flags, Index
    from models.data.dataset import Dataset
    from models.data.feature_cache import Halves
    from models.data.features import Extractor
    from models.network.tail import Tail
    from models.training.heads import Classes
    from models.training.regression import Linear
    from models.training.tuner import Tuned
    from parrot.records import Floats

    Progress = Callable[[str, int], Callable[[int], None]]

# Raise when the drawing of batches, the loss or the step change what they compute.
_REVISION = 1
_BATCH = 48


@dataclass(frozen=True, slots=True)
class Plan:
    """How fine-tuning is done: each fold costs as much as the last blocks of the bundle."""

    recipe: Recipe
    folds: int  # of the cross-validation, and of the sources
    checkpoints: Path  # folder
    extractor: Extractor  # which kept the maps
    progress: Progress


@dataclass(frozen=True)
class FineTuning:
    """A plan for a dataset."""

    plan: Plan
    dataset: Dataset
    classes: Classes

    def tuned(self, name: str, usable: Flags, heads: Sequence[Linear], seed: int) -> Tuned:
        """Last blocks and heads fitted on the usable (photos, samples), from these heads on."""
        recipe = self.plan.recipe
        report = self.plan.progress(f"fine-tuning, {name}", recipe.steps)
        return tune(
            self._backbone,
            heads,
            Batches(self.dataset, self.classes, usable, recipe.batch, seed),
            self._maps,
            recipe=recipe,
            checkpoint=self._checkpoint(usable, seed),
            progress=report,
        )

    def seen(self, tail: Tail, photos: Index) -> tuple[Floats, Floats]:
        """(photos, samples, views, features) and (photos, samples, signs) after these last blocks.

        The closer look is where these blocks themselves see the parrot.
        """
        flat = [sample for photo in photos.tolist() for sample in self.dataset.samples[photo]]
        report = self.plan.progress("features after fine-tuning", len(flat))
        extractor = self.plan.extractor.after(tail)
        features, signs = extractor.features(flat, report), extractor.signs(flat)
        samples = len(flat) // max(1, len(photos))
        return (
            features.reshape(len(photos), samples, *features.shape[1:]),
            signs.reshape(len(photos), samples, -1),
        )

    def first_looks(self, tail: Tail) -> Floats:
        """(photos, features) of the whole photos as they are."""
        network = self._backbone.with_tail(tail)
        graph = tf().function(
            lambda maps: pooled_features(network.after_trunk(tf().cast(maps, tf().float32)))
        )
        maps = self._maps[:, 0, 0]
        parts = [maps[start : start + _BATCH] for start in range(0, len(maps), _BATCH)]
        return np.concatenate([graph(part).numpy() for part in parts])

    @cached_property
    def _backbone(self) -> Backbone:
        return Backbone.load(self.plan.extractor.backbone)

    @cached_property
    def _maps(self) -> Halves:
        """(photos, samples, views, cells, cells, channels)."""
        flat = [sample for row in self.dataset.samples for sample in row]
        keeper = replace(self.plan.extractor, tail=None)
        found = keeper.maps(flat)
        return found.reshape(len(self.dataset.photos), -1, *found.shape[1:])

    def _checkpoint(self, usable: Flags, seed: int) -> Path:
        """A name that changes with everything that decides where the run ends."""
        flat = [sample for row in self.dataset.samples for sample in row]
        name = hashlib.sha256(f"{_REVISION} {seed} {asdict(self.plan.recipe)}".encode())
        name.update(replace(self.plan.extractor, tail=None).digest(flat))
        for array in (usable, self.dataset.kind, self.classes.species, self.classes.group):
            name.update(array.tobytes())
        return self.plan.checkpoints / f"{name.hexdigest()[:24]}.npz"
