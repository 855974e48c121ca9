"""From what the heads say of a first look and of the mean of all looks, to what is answered.

The same steps as `parrot.classify`, for many photos at once.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from models.evaluation.results import NamedTaxon, Results
from parrot.model.naming import lowest_sure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from models.arrays import Array, Flags, Index
    from models.data.labelled_photos import LabelledPhoto
    from parrot.model.look import SecondLook
    from parrot.model.sets import SetPolicy
    from parrot.model.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class Heads:
    """Probabilities (n, 2, ...) by a first look and by the mean of all looks."""

    parrot: Array  # (n, 2)
    species: Array  # (n, 2, classes + 1), "another parrot" last
    groups: Array  # (n, 2, groups)
    birds: Array  # (n, 2) of what is not a parrot, the share of other birds


@dataclass(frozen=True, slots=True)
class Answers:
    """What is answered for each photo."""

    parrot: Array
    is_parrot: Flags
    species: Array  # (n, classes + 1)
    groups: Array
    sets: Flags  # (n, classes)
    looks: Array  # how many forward passes
    birds: Array  # of what is not a parrot, the share of other birds

    def taken(self, order: Index) -> Answers:
        """These rows, in this order."""
        return Answers(*(getattr(self, name)[order] for name in _FIELDS))


_FIELDS = tuple(field.name for field in fields(Answers))


def joined(parts: Sequence[Answers]) -> Answers:
    """One after the other."""
    return Answers(*(np.concatenate([getattr(part, name) for part in parts]) for name in _FIELDS))


def answer(heads: Heads, threshold: float, sets: SetPolicy, second: SecondLook | None) -> Answers:
    """Look again where the first look leaves doubt."""
    first = sets.classes(heads.species[:, 0])
    again = np.array(
        [
            second is not None and second.wanted(float(parrot), int(size))
            for parrot, size in zip(heads.parrot[:, 0], first.sum(axis=1), strict=True)
        ],
        bool,
    )
    rows, state = np.arange(len(again)), again.astype(np.intp)
    species, parrot = heads.species[rows, state], heads.parrot[rows, state]
    views = len(second.views) if second is not None else 0
    return Answers(
        parrot=parrot,
        is_parrot=parrot >= threshold,
        species=species,
        groups=heads.groups[rows, state],
        sets=sets.classes(species),
        looks=1.0 + views * again,
        birds=heads.birds[rows, state],
    )


def results(  # noqa: PLR0913, PLR0917 - what an answer is judged by
    answers: Answers,
    photos: Sequence[LabelledPhoto],
    target: Index,
    stress: Sequence[str],
    names: Names,
    coverage: float,
) -> Results:
    """The answers beside the truth."""
    return Results(
        photos=photos,
        species=names.species,
        target=target,
        coverage=coverage,
        parrot=answers.parrot,
        is_parrot=answers.is_parrot,
        probabilities=answers.species[:, :-1],
        sets=answers.sets,
        looks=answers.looks,
        named=[names.judged(row, photo) for row, photo in zip(_rows(answers), photos, strict=True)],
        stress=stress,
    )


@dataclass(frozen=True, slots=True)
class Names:
    """What turns one answer's probabilities into the name of a taxon."""

    species: Sequence[str]
    groups: Sequence[str]
    taxonomy: Taxonomy
    sure: float

    def judged(self, row: Answers, photo: LabelledPhoto) -> NamedTaxon | None:
        """The taxon that is named for one photo, and whether the photo shows it."""
        named = lowest_sure(
            self.taxonomy,
            likely=[
                (self.species[k], float(row.species[k])) for k in np.flatnonzero(row.sets).tolist()
            ],
            groups=list(zip(self.groups, row.groups.tolist(), strict=True)),
            sure=self.sure,
        )
        if named is None:
            return None
        rank = named.taxon.rank
        truth = photo.species(self.species) or photo.taxon or ""
        above = self.taxonomy.above(truth, rank)
        return NamedTaxon(rank, named.taxon.id in {truth, above.id if above else ""})


def _rows(answers: Answers) -> Iterator[Answers]:
    for number in range(len(answers.parrot)):
        yield Answers(*(getattr(answers, name)[number] for name in _FIELDS))
