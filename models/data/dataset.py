"""Labelled photos with the features of every sample of them, and how they are split."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from models.data import samples as sampling
from models.data.labelled_photos import UNSORTED, Group
from models.data.samples import Views
from parrot.records import Rank

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.arrays import Flags, Index
    from models.data.features import Extractor
    from models.data.labelled_photos import LabelledPhoto
    from models.data.samples import Sample
    from parrot.model.species import Taxonomy
    from parrot.records import Floats

    Folds = Sequence[tuple[Index, Index]]  # training and test photos

PARROT, OTHER_BIRD, NO_BIRD = range(3)  # `Dataset.kind`
FEWEST = 5  # photos that a group needs to be learned
_FOLDS = 10  # the rarest species have six photos: leave as many as possible for fitting
_KINDS = (Group.PARROTS, Group.OTHER_BIRDS, Group.NEGATIVES)


@dataclass(frozen=True)
class Dataset:
    """`features` (photos, samples, views, features): the first sample is the photo as it is."""

    photos: Sequence[LabelledPhoto]
    species: Sequence[str]  # ids by class index
    taxonomy: Taxonomy
    samples: Sequence[tuple[Sample, ...]]
    features: Floats
    fold: Index  # of each photo
    signs: Floats  # (photos, samples, signs): see `models.data.samples`

    @cached_property
    def kind(self) -> Index:
        """0 for a parrot, 1 for another bird, 2 for no bird."""
        return np.array([_KINDS.index(photo.group) for photo in self.photos], np.intp)

    @cached_property
    def parrot(self) -> Flags:
        """Whether each photo shows a parrot."""
        return np.asarray(self.kind == PARROT)

    @cached_property
    def target(self) -> Index:
        """Class index of each photo, -1 for none."""
        index = {species: number for number, species in enumerate(self.species)}
        return np.array(
            [index.get(photo.species(index) or "", -1) for photo in self.photos], np.intp
        )

    @cached_property
    def species_class(self) -> Index:
        """As `target`, and "another parrot" last: a sorted parrot of no species of the table."""
        unsorted = np.array([photo.label == UNSORTED for photo in self.photos])
        stranger = self.parrot & (self.target < 0) & ~unsorted
        return np.where(stranger, len(self.species), self.target)

    @cached_property
    def _group_of_photo(self) -> list[str]:
        groups = [
            self.taxonomy.above(photo.taxon or "", Rank.GROUP) if photo.is_parrot else None
            for photo in self.photos
        ]
        return [taxon.id if taxon else "" for taxon in groups]

    @cached_property
    def group_ids(self) -> tuple[str, ...]:
        """Groups of parrots that have enough photos, by class index; none if it is only one."""
        names, counts = np.unique(self._group_of_photo, return_counts=True)
        enough = zip(names.tolist(), counts.tolist(), strict=True)
        ids = tuple(name for name, count in enough if name and count >= FEWEST)
        return ids if len(ids) > 1 else ()  # of one group everything would be surely it

    @cached_property
    def group_class(self) -> Index:
        """The group of each photo, -1 for none."""
        index = {name: number for number, name in enumerate(self.group_ids)}
        return np.array([index.get(name, -1) for name in self._group_of_photo], np.intp)

    @cached_property
    def looks(self) -> Floats:
        """(photos, samples, 2, features): the first look, and the mean of all."""
        return looks(self.features)

    @property
    def flat_samples(self) -> list[Sample]:
        """The samples of every photo, one after the other."""
        return [sample for row in self.samples for sample in row]

    @property
    def everything(self) -> Flags:
        """(photos, samples): all may be fitted on."""
        return np.ones(self.features.shape[:2], bool)

    def usable(self, train: Index, test: Index) -> Flags:
        """(photos, samples): what may be fitted on where `test` is held out.

        A sample before a background of the test photos is not.
        """
        held = {self.photos[number].path for number in test}
        usable = np.zeros((len(self.photos), self.features.shape[1]), bool)
        for number in train:
            usable[number] = [sample.background not in held for sample in self.samples[number]]
        return usable

    def folds(self, most: int = _FOLDS) -> Folds:
        """Near-duplicates and backgrounds stay together; fewer for what takes minutes a fold."""
        part = self.fold % most
        return [
            (np.flatnonzero(part != number), np.flatnonzero(part == number))
            for number in np.unique(part)
        ]

    def source_folds(self, most: int) -> Folds:
        """Training and test photos of different sources; none if there are too few sources."""
        from sklearn.model_selection import GroupKFold  # noqa: PLC0415 - 0.8 s, not for --help

        sources = [photo.source for photo in self.photos]
        if len(set(sources)) < 2:  # noqa: PLR2004 - one to leave out, one to fit on
            return []
        splitter = GroupKFold(min(most, len(set(sources))))
        return list(splitter.split(self.target, groups=sources))


def looks(features: Floats) -> Floats:
    """(photos, samples, views, d) to (photos, samples, 2, d): the first look, the mean of all."""
    return np.stack([features[:, :, Views.WHOLE], features.mean(axis=2)], axis=2)


def load(  # noqa: PLR0913 - what a data set is made of
    photos: Sequence[LabelledPhoto],
    species: Sequence[str],
    taxonomy: Taxonomy,
    extractor: Extractor,
    *,
    seed: int = 0,
    progress: Callable[[str, int], Callable[[int], None]],
) -> Dataset:
    """Extract what the cache does not have.

    `progress(name, total)` starts a display and returns a function that advances it.
    """
    fold = _fold_of_each(photos, species, seed)
    samples = sampling.of(photos, fold.tolist())
    flat = [sample for row in samples for sample in row]
    features = extractor.features(flat, progress("features", len(flat)))
    shape = (len(photos), sampling.PER_PHOTO)
    signs = extractor.signs(flat).reshape(*shape, -1)
    features = features.reshape(*shape, *features.shape[1:])
    return Dataset(photos, species, taxonomy, samples, features, fold, signs)


def _fold_of_each(photos: Sequence[LabelledPhoto], species: Sequence[str], seed: int) -> Index:
    """Near-duplicates together, classes spread evenly."""
    from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415 - 0.8 s

    strata = [photo.species(species) or photo.group.value for photo in photos]
    clusters = [photo.cluster for photo in photos]
    count = min(_FOLDS, max(Counter(strata).values()), len(set(clusters)))
    fold = np.zeros(len(photos), np.intp)
    if count < 2:  # noqa: PLR2004 - nothing can be split
        return fold
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # Rare species have fewer photos than there are folds; that is how it is.
        warnings.filterwarnings("ignore", message="The least populated class")
        for number, (_, test) in enumerate(splitter.split(fold, strata, clusters)):
            fold[test] = number
    return fold
