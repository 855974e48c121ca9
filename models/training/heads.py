"""Fit the linear heads: the gate, and the names of species and groups."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from models.training import gates, regression
from parrot.records import Rank

if TYPE_CHECKING:
    from models.arrays import Flags, Index
    from models.data.dataset import Dataset
    from models.training.regression import Linear
    from parrot.model.gate import Projection, Scorer
    from parrot.model.species import Taxonomy
    from parrot.records import Floats

# Inverse regularisation, chosen by cross-validation.
_SPECIES_STRENGTH, _GROUP_STRENGTH = 0.1, 1.0
FEWEST = 5  # photos that a group needs to be learned


@dataclass(frozen=True)
class Classes:
    """What the heads tell apart: the table's species and "another parrot"; groups of parrots."""

    dataset: Dataset
    taxonomy: Taxonomy

    @cached_property
    def species(self) -> Index:
        """Class of each photo, "another parrot" last, -1 for what teaches neither."""
        other = len(self.dataset.species)
        return np.where(self.dataset.strangers, other, self.dataset.target)

    @cached_property
    def _group_of_photo(self) -> list[str]:
        found = [
            self.taxonomy.above(photo.taxon or "", Rank.GROUP) if photo.is_parrot else None
            for photo in self.dataset.photos
        ]
        return [taxon.id if taxon else "" for taxon in found]

    @cached_property
    def group_ids(self) -> tuple[str, ...]:
        """Groups that have enough photos, by class index."""
        names, counts = np.unique(self._group_of_photo, return_counts=True)
        enough = zip(names.tolist(), counts.tolist(), strict=True)
        return tuple(name for name, count in enough if name and count >= FEWEST)

    @cached_property
    def group(self) -> Index:
        """Class of each photo, -1 for none."""
        index = {name: number for number, name in enumerate(self.group_ids)}
        return np.array([index.get(name, -1) for name in self._group_of_photo], np.intp)


def fit_gate(
    dataset: Dataset, kind: str, usable: Flags, *, every_view: bool = True
) -> tuple[Projection, Scorer]:
    """A gate of this kind, fitted on the usable (photos, samples).

    Other birds are seen under stress only: in many collections they are small crops, and a gate
    would learn their sharpness.
    """
    chosen = usable.copy()
    chosen[:, 0] &= dataset.kind != 1
    if not (chosen & (dataset.kind == 1)[:, None]).any():
        chosen = usable
    x, rows = _rows(dataset, chosen, every_view=every_view)
    return gates.CANDIDATES[kind](x, dataset.kind[rows])


def fit_species(dataset: Dataset, classes: Classes, usable: Flags) -> Linear:
    """The species of the table and "another parrot"."""
    count = len(dataset.species) + 1
    return _fit(dataset, classes.species, count, usable, strength=_SPECIES_STRENGTH)


def fit_groups(dataset: Dataset, classes: Classes, usable: Flags) -> Linear:
    """The groups that have enough photos."""
    count = len(classes.group_ids)
    return _fit(dataset, classes.group, count, usable, strength=_GROUP_STRENGTH)


def _fit(dataset: Dataset, classes: Index, count: int, usable: Flags, *, strength: float) -> Linear:
    """Every class weighing the same; -1 is for photos of none."""
    x, rows = _rows(dataset, usable & (classes >= 0)[:, None])
    return regression.fit(x, classes[rows], count, strength=strength)


def _rows(dataset: Dataset, chosen: Flags, *, every_view: bool = True) -> tuple[Floats, Index]:
    """Features of the chosen samples, one row per view, and the photo of each row."""
    photos, samples = np.nonzero(chosen)
    found = dataset.features[photos, samples]
    views = found.shape[1]
    if not every_view:
        return found[:, 0], photos
    return found.reshape(len(photos) * views, -1), np.repeat(photos, views)
