"""Which photos, samples and views a step of fine-tuning sees: drawn by seed and step alone.

No state is kept between steps, so that a killed run continues exactly as it would have.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from models.data.dataset import OTHER_BIRD
from models.data.samples import Views

if TYPE_CHECKING:
    from models.arrays import Array, Flags, Halves, Index
    from models.data.dataset import Dataset

# Non-birds are drawn often: fine-tuning on parrots and birds alone forgets them.
_SHARES = (0.4, 0.1, 0.2, 0.3)  # parrots of the table, other parrots, other birds, no birds
_CLEAN = 0.4  # share of photos as they are
_VIEWS = (Views.WHOLE, Views.CENTER, Views.CLOSER, Views.CLOSER)
_MIRRORED = 0.5


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

    def of(self, maps: Halves) -> Halves:
        """The rows' maps out of those of every photo (photos, samples, views, cells, cells, c)."""
        rows = maps[self.photos, self.samples, self.views]
        rows[self.mirrored] = rows[self.mirrored, :, ::-1]
        return rows


@dataclass(frozen=True)
class Batches:
    """Draws from the usable (photos, samples) of a dataset."""

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
        return Batch(
            photos,
            np.array([self._sample(photo, rng) for photo in photos.tolist()], np.intp),
            rng.choice(np.array(_VIEWS, np.intp), self.size),
            rng.random(self.size) < _MIRRORED,
            self.dataset.kind[photos],
            self.dataset.species_class[photos],
            self.dataset.group_class[photos],
        )

    def _sample(self, photo: int, rng: np.random.Generator) -> int:
        """Other birds under stress only, as in `heads.gate_rows`, if there is any stress."""
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
        masks = (known, data.parrot & ~known, data.kind == OTHER_BIRD, data.kind > OTHER_BIRD)
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
