"""Fine-tuned last blocks for each fold: fitted without its photos, and what they see in them."""

import hashlib
import warnings
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from models.arrays import Flags, Floats, Halves, Index, of_each
from models.data.dataset import Dataset, Progress
from models.data.features import Extractor
from models.data.samples import JUDGED, PARTS, Views
from models.network.backbone import FEATURES, Backbone, pooled_features
from models.network.lazy_tf import each_on_a_core, tf
from models.network.weights import Tail
from models.training.calibration import FitPolicy
from models.training.heads import LinearHeads, Logits, blank_heads, fit_heads
from models.training.tuner import Batches, Recipe, tune

# Raise when the drawing of batches, the loss or the step change what they compute.
_REVISION = 2
_BATCH = 48


@dataclass(frozen=True, slots=True)
class FineTuningOrder:
    """How to fine-tune, and where its state is kept."""

    checkpoints: Path  # folder
    recipe: Recipe = field(default_factory=Recipe)
    although_worse: bool = False  # whoever fits has compared the models otherwise


@dataclass(frozen=True)
class FineTuner:
    """Fine-tunes last blocks on a dataset whose maps the extractor kept."""

    order: FineTuningOrder
    data: Dataset
    extractor: Extractor
    policy: FitPolicy
    progress: Progress

    def run(self) -> tuple[Logits, Tail, LinearHeads]:
        """Logits for each photo by what was fine-tuned without its fold; then on everything."""
        data, alone = self.data, replace(self, extractor=replace(self.extractor, alone=True))
        jobs = [(alone, data.usable(train, test), test) for train, test in data.folds]
        jobs.append((alone, data.everything, np.zeros(0, np.intp)))
        report, done = self.progress("fine-tuned", len(jobs)), []
        for result in each_on_a_core(FineTuner.tuned, jobs):
            done.append(result)
            report(1)
        *folds, (tail, heads, _) = done
        tests = (test for _, test in data.folds)
        return (
            of_each([(test, seen) for test, (*_, seen) in zip(tests, folds, strict=True)]),
            tail,
            heads,
        )

    def tuned(self, usable: Flags, test: Index) -> tuple[Tail, LinearHeads, Logits]:
        """Last blocks and heads that were fitted with them on the usable (photos, samples).

        They start from heads that were fitted to the published blocks. Then what they say of the
        test photos.
        """
        recipe, seed = self.order.recipe, self.policy.seed
        checkpoint = self._checkpoint(usable, seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # enough steps for a head, as in `fit`
            start = blank_heads(self.data) if checkpoint.is_file() else fit_heads(self.data, usable)
        tuned = tune(
            self._backbone,
            (start.gate, start.species, start.groups, start.served),
            Batches(self.data, usable, recipe.batch, seed),
            self._maps,
            recipe=recipe,
            checkpoint=checkpoint,
        )
        heads = LinearHeads(*tuned.heads)
        return tuned.tail, heads, heads.logits(*self._seen(tuned.tail, test))

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
        samples, shape = self.data.samples, (len(photos), JUDGED)
        if not len(photos):
            return np.zeros((*shape, len(Views), FEATURES), np.float32), self.data.signs[
                :0, :JUDGED
            ]
        flat = [sample for photo in photos.tolist() for sample in samples[photo][:JUDGED]]
        extractor = self.extractor.after(tail)
        features = extractor.features(flat)
        signs, *_ = np.split(extractor.signs(flat).reshape(*shape, -1), PARTS, axis=2)
        return features.reshape(*shape, *features.shape[1:]), signs

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
        classes = (self.data.species_class, self.data.group_class, self.data.served_class)
        for array in (usable, self.data.view_kind, *classes):
            name.update(array.tobytes())
        return self.order.checkpoints / f"{name.hexdigest()[:24]}.npz"
