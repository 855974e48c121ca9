"""Labelled photos with the features of every sample of them, and how they are split."""

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from models.arrays import Flags, Floats, Index
from models.data import samples as sampling
from models.data.features import Extractor
from models.data.labelled_photos import UNSORTED, Group, LabelledPhoto
from models.data.samples import Sample, Views
from parrot.model.species import Taxonomy
from parrot.records import Rank

Folds = Sequence[tuple[Index, Index]]  # training and test photos
# Starts a display of this name and total, and returns a function that advances it.
Progress = Callable[[str, int], Callable[[int], None]]

KINDS = 4
PARROT, OTHER_BIRD, NO_BIRD, NOT_ALIVE = range(KINDS)  # `Dataset.kind`
FEWEST = 5  # photos that a group needs to be learned
FOLDS = 5  # each costs as much as what goes into the bundle
_OUTSIDE, _INSIDE = 0.1, 0.5  # a view that has so much of the bird shows none, or the bird
_KINDS = (Group.PARROTS, Group.OTHER_BIRDS, Group.NEGATIVES)


@dataclass(frozen=True)
class Dataset:
    """`features` (photos, samples, views, features): the first sample is the photo as it is."""

    photos: Sequence[LabelledPhoto]
    species: Sequence[str]  # ids by class index
    taxonomy: Taxonomy
    samples: Sequence[tuple[Sample, ...]]
    features: Floats
    fold: Index  # of each photo: all photos of one source are in the same
    signs: Floats  # (photos, samples, signs): see `models.data.samples`
    seen: Floats  # (photos, samples, views): how much each has of the bird; NaN: not known
    served: int  # species that the served model names: the first ones
    groups: tuple[str, ...] | None = None  # by class index; None: those that have enough photos

    @cached_property
    def kind(self) -> Index:
        """Parrot, another bird, no bird, or the picture or figure of a bird."""
        kinds = [_KINDS.index(photo.group) for photo in self.photos]
        alive = [photo.is_alive for photo in self.photos]
        return np.where(alive, np.array(kinds, np.intp), NOT_ALIVE)

    @cached_property
    def view_kind(self) -> Index:
        """(photos, samples, views): what a view shows, -1 where that is not known.

        Where a photo's bird is in a frame is known of composites. Of others a closer view is taken
        for the bird, and the next best window for nothing at all.
        """
        kind, seen = np.broadcast_to(self.kind[:, None, None], self.seen.shape), self.seen
        guess = np.where(np.arange(len(Views)) == Views.SECOND, -1, kind)
        shown = np.select([np.isnan(seen), seen >= _INSIDE], [guess, kind], -1)
        return np.where((seen < _OUTSIDE) | (kind == NO_BIRD), NO_BIRD, shown)

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
    def served_class(self) -> Index:
        """As `target`, of the species that the served model names."""
        return np.where(self.target < self.served, self.target, -1)

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
        if self.groups is not None:
            return self.groups
        names, counts = np.unique(self._group_of_photo, return_counts=True)
        enough = zip(names.tolist(), counts.tolist(), strict=True)
        ids = tuple(name for name, count in enough if name and count >= FEWEST)
        return ids if len(ids) > 1 else ()  # of one group everything would be surely it

    @cached_property
    def group_class(self) -> Index:
        """The group of each photo, -1 for none."""
        index = {name: number for number, name in enumerate(self.group_ids)}
        return np.array([index.get(name, -1) for name in self._group_of_photo], np.intp)

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

        Near-duplicates of a test photo are not, nor is a sample before its background.
        """
        held = {self.photos[number].path for number in test}
        clusters = {self.photos[number].cluster for number in test}
        usable = np.zeros((len(self.photos), self.features.shape[1]), bool)
        for number in train:
            if self.photos[number].cluster not in clusters:
                usable[number] = [sample.background not in held for sample in self.samples[number]]
        return usable

    def views(self, usable: Flags) -> Flags:
        """(photos, samples, views) of the usable samples that show what is known.

        Other birds are seen under stress only: in many collections they are small crops, and a gate
        would learn their sharpness.
        """
        birds = self.kind == OTHER_BIRD
        if usable[birds, 1:].any():
            usable = usable & ~(birds[:, None] & (np.arange(usable.shape[1]) == 0))
        return usable[..., None] & (self.view_kind >= 0)

    @property
    def folds(self) -> Folds:
        """Training and test photos, by sources."""
        return [
            (np.flatnonzero(self.fold != number), np.flatnonzero(self.fold == number))
            for number in np.unique(self.fold)
        ]


def load(  # noqa: PLR0913 - what a data set is made of
    photos: Sequence[LabelledPhoto],
    species: Sequence[str],
    taxonomy: Taxonomy,
    extractor: Extractor,
    *,
    seed: int = 0,
    served: int | None = None,
    groups: tuple[str, ...] | None = None,
    count: int = sampling.JUDGED,
    progress: Progress,
) -> Dataset:
    """Extract what the cache does not have of the first samples of each photo."""
    fold = fold_of_each(photos, seed)
    samples = [row[:count] for row in sampling.of(photos, fold.tolist())]
    flat = [sample for row in samples for sample in row]
    features = extractor.features(flat, progress("features", len(flat)))
    shape = (len(photos), count)
    signs, seen, _ = np.split(extractor.signs(flat).reshape(*shape, -1), sampling.PARTS, axis=2)
    features = features.reshape(*shape, *features.shape[1:])
    known = len(species) if served is None else served
    return Dataset(photos, species, taxonomy, samples, features, fold, signs, seen, known, groups)


def fold_of_each(photos: Sequence[LabelledPhoto], seed: int) -> Index:
    """All photos of a source together, labels spread evenly; without sources, near-duplicates."""
    strata = [photo.label if photo.is_parrot else photo.group.value for photo in photos]
    sources = [photo.source or photo.cluster for photo in photos]
    count = min(FOLDS, max(Counter(strata).values()), len(set(sources)))
    fold = np.zeros(len(photos), np.intp)
    if count < 2:  # noqa: PLR2004 - nothing can be split
        return fold
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # Rare species have fewer photos than there are folds; that is how it is.
        warnings.filterwarnings("ignore", message="The least populated class")
        for number, (_, test) in enumerate(splitter.split(fold, strata, sources)):
            fold[test] = number
    return fold
