"""Labelled photos with the features of every view that training and evaluation use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from models.data.views import GATE_VIEWS, PLAIN, SPECIES_VIEWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from models.arrays import Flags, Index
    from models.data.features import Extractor
    from models.data.labelled_photos import LabelledPhoto
    from parrot.records import Floats


@dataclass(frozen=True)
class Dataset:
    """`plain` (n, d) is as served; `gate` (v, n, d) and `head` (w, n, d) are for training.

    `head` is zero for photos that show no species of the table.
    """

    photos: Sequence[LabelledPhoto]
    species: Sequence[str]  # ids by class index
    plain: Floats
    gate: Floats
    head: Floats

    @cached_property
    def parrot(self) -> Flags:
        """Whether each photo shows a parrot."""
        return np.array([photo.is_parrot for photo in self.photos])

    @cached_property
    def target(self) -> Index:
        """Class index of each photo, -1 for none."""
        index = {species: number for number, species in enumerate(self.species)}
        return np.array([index.get(photo.species or "", -1) for photo in self.photos], np.intp)

    def folds(self, count: int, seed: int) -> Iterator[tuple[Index, Index]]:
        """Training and test photos; near-duplicates stay together, classes are balanced."""
        from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415 - 0.8 s

        strata = [photo.species or photo.group.value for photo in self.photos]
        clusters = [photo.cluster for photo in self.photos]
        splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
        yield from splitter.split(self.plain, strata, clusters)

    def source_folds(self, count: int) -> Iterator[tuple[Index, Index]]:
        """Training and test photos from different sources; at most as many folds as sources."""
        from sklearn.model_selection import GroupKFold  # noqa: PLC0415 - 0.8 s, not for --help

        sources = [photo.source for photo in self.photos]
        splitter = GroupKFold(min(count, len(set(sources))))
        yield from splitter.split(self.plain, groups=sources)


def load(
    photos: Sequence[LabelledPhoto],
    species: Sequence[str],
    extractor: Extractor,
    *,
    training: bool = True,
    progress: Callable[[str, int], Callable[[int], None]],
) -> Dataset:
    """Extract what is not cached yet; without `training` only the plain view.

    `progress(name, total)` starts a progress bar and returns the function that advances it.
    """
    paths = [photo.path for photo in photos]
    known = [number for number, photo in enumerate(photos) if photo.species in species]

    def look(view_photos: Sequence[int], view_name: str) -> Floats:
        view = views[view_name]
        chosen = [paths[number] for number in view_photos]
        return extractor.features(chosen, view, progress(view_name, len(chosen)))

    views = {view.name: view for view in (PLAIN, *GATE_VIEWS, *SPECIES_VIEWS)}
    plain = look(range(len(paths)), PLAIN.name)
    if not training:
        none = np.zeros((0, *plain.shape), np.float32)
        return Dataset(photos, species, plain, none, none)
    gate = np.stack([look(range(len(paths)), view.name) for view in GATE_VIEWS])
    head = np.zeros((len(SPECIES_VIEWS), *plain.shape), np.float32)
    for number, view in enumerate(SPECIES_VIEWS):
        head[number, known] = look(known, view.name)
    return Dataset(photos, species, plain, gate, head)
