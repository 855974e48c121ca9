"""Which photos, samples and views a step of fine-tuning sees: drawn by seed and step alone.

No state is kept between steps, so that a killed run continues exactly as it would have.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from models.arrays import Array, Flags, Halves, Index
from models.data.dataset import NO_BIRD, NOT_ALIVE, OTHER_BIRD, PARROT, Dataset
from models.data.samples import Views

# Non-birds are drawn often: fine-tuning on parrots and birds alone forgets them.
# Parrots of the table, other parrots, other birds, no birds, and what is not alive.
_SHARES = (0.4, 0.1, 0.2, 0.25, 0.05)
_CLEAN = 0.4  # share of photos as they are
_VIEWS = (Views.WHOLE, Views.CENTER, Views.CLOSER, Views.CLOSER, Views.SECOND)
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
