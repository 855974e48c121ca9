"""Labelled photos with the features of every sample of them, and how they are split."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from models.data import samples as sampling
from models.data.features import View
from models.data.labelled_photos import UNSORTED, Group

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from models.arrays import Flags, Index
    from models.data.features import Extractor
    from models.data.labelled_photos import LabelledPhoto
    from models.data.samples import Sample
    from parrot.records import Floats

_FOLDS = 10  # the rarest species have six photos: leave as many as possible for fitting
_KINDS = (Group.PARROTS, Group.OTHER_BIRDS, Group.NEGATIVES)


@dataclass(frozen=True)
class Dataset:
    """`features` (photos, samples, views, features): the first sample is the photo as it is."""

    photos: Sequence[LabelledPhoto]
    species: Sequence[str]  # ids by class index
    samples: Sequence[tuple[Sample, ...]]
    features: Floats
    fold: Index  # of each photo
    signs: Floats  # (photos, samples, signs): see `models.data.signs`

    @cached_property
    def kind(self) -> Index:
        """0 for a parrot, 1 for another bird, 2 for no bird."""
        return np.array([_KINDS.index(photo.group) for photo in self.photos], np.intp)

    @cached_property
    def parrot(self) -> Flags:
        """Whether each photo shows a parrot."""
        return np.asarray(self.kind == 0)

    @cached_property
    def target(self) -> Index:
        """Class index of each photo, -1 for none."""
        index = {species: number for number, species in enumerate(self.species)}
        return np.array(
            [index.get(photo.species(index) or "", -1) for photo in self.photos], np.intp
        )

    @cached_property
    def strangers(self) -> Flags:
        """Whether each photo shows a sorted parrot of no species of the table."""
        unsorted = np.array([photo.label == UNSORTED for photo in self.photos])
        return np.asarray(self.parrot & (self.target < 0) & ~unsorted)

    @cached_property
    def looks(self) -> Floats:
        """(photos, samples, 2, features): the first look, and the mean of all."""
        return looks(self.features)

    def usable(self, train: Index, test: Index) -> Flags:
        """(photos, samples): what may be fitted on where `test` is held out.

        A sample before a background of the test photos is not.
        """
        held = {self.photos[number].path for number in test}
        usable = np.zeros((len(self.photos), self.features.shape[1]), bool)
        for number in train:
            usable[number] = [sample.background not in held for sample in self.samples[number]]
        return usable

    def families(self) -> npt.NDArray[np.str_]:
        """(photos, samples): the family of each sample's stress, empty for none."""
        return np.array(
            [
                [sample.stress.family.value if sample.stress else "" for sample in row]
                for row in self.samples
            ]
        )

    def folds(self) -> list[tuple[Index, Index]]:
        """Training and test photos; near-duplicates and backgrounds stay together."""
        return [
            (np.flatnonzero(self.fold != number), np.flatnonzero(self.fold == number))
            for number in np.unique(self.fold)
        ]

    def coarse_folds(self, count: int) -> list[tuple[Index, Index]]:
        """As `folds`, but at most so many: for what takes minutes a fold."""
        part = self.fold % count
        return [
            (np.flatnonzero(part != number), np.flatnonzero(part == number))
            for number in np.unique(part)
        ]

    def source_folds(self, count: int) -> list[tuple[Index, Index]]:
        """Training and test photos of different sources; none where there are too few sources."""
        from sklearn.model_selection import GroupKFold  # noqa: PLC0415 - 0.8 s, not for --help

        sources = [photo.source for photo in self.photos]
        if len(set(sources)) < 2:  # noqa: PLR2004 - one to leave out, one to fit on
            return []
        splitter = GroupKFold(min(count, len(set(sources))))
        return list(splitter.split(self.target, groups=sources))


def looks(features: Floats) -> Floats:
    """(photos, samples, views, d) to (photos, samples, 2, d): the first look, the mean of all."""
    return np.stack([features[:, :, View.WHOLE], features.mean(axis=2)], axis=2)


def load(
    photos: Sequence[LabelledPhoto],
    species: Sequence[str],
    extractor: Extractor,
    *,
    seed: int = 0,
    progress: Callable[[str, int], Callable[[int], None]],
) -> Dataset:
    """Extract what the cache does not have.

    `progress(name, total)` starts a display and returns what to tell it of each step.
    """
    fold = _folds(photos, species, seed)
    samples = sampling.of(photos, fold.tolist())
    flat = [sample for row in samples for sample in row]
    found = extractor.features(flat, progress("features", len(flat)))
    shape = (len(photos), sampling.PER_PHOTO, *found.shape[1:])
    signs = extractor.signs(flat).reshape(*shape[:2], -1)
    return Dataset(photos, species, samples, found.reshape(shape), fold, signs)


def _folds(photos: Sequence[LabelledPhoto], species: Sequence[str], seed: int) -> Index:
    """Each photo's fold: near-duplicates together, classes spread evenly."""
    strata = [photo.species(species) or photo.group.value for photo in photos]
    clusters = [photo.cluster for photo in photos]
    count = min(_FOLDS, max(Counter(strata).values()), len(set(clusters)))
    fold = np.zeros(len(photos), np.intp)
    for number, test in enumerate(_split(strata, clusters, count, seed)):
        fold[test] = number
    return fold


def _split(
    strata: Sequence[str], clusters: Sequence[str], count: int, seed: int
) -> Iterator[Index]:
    import warnings  # noqa: PLC0415 - for the line below

    from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415 - 0.8 s

    if count < 2:  # noqa: PLR2004 - nothing can be split
        return
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # Rare species have fewer photos than there are folds; that is how it is.
        warnings.filterwarnings("ignore", message="The least populated class")
        for _, test in splitter.split(np.zeros(len(strata)), strata, clusters):
            yield test
