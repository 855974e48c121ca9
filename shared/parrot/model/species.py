"""The species that a model tells apart, and the taxa that they belong to.

The order of `species.csv` is the contract with the model. `taxonomy.csv` has a row per taxon: id,
rank, parent, scientific_name, en, ko, iucn, cites and status_year, the year that IUCN's category
and CITES' appendix are of. A group is an everyday word (macaws, lories) and lies between family and
genus. `look_alikes.csv` (of, id, scientific_name, en, ko) has what the model does not know and is
taken for one of its species.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from parrot.errors import BadBundle, InvalidRequest
from parrot.records import (
    UNTRAINED,
    LookAlike,
    Named,
    Rank,
    Species,
    SpeciesScore,
    Taxon,
    UntrainedLabel,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    _Row = TypeVar("_Row", Species, Taxon, LookAlike)

# Ids become parts of paths: of pages, and of the folders that photos are exported to.
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_NUMBER = re.compile(r"[0-9]{1,6}")
COLUMNS = ("index", "id", "scientific_name", "en", "ko", "cites")
LOOK_ALIKE = ("of", "id", "scientific_name", "en", "ko")
_TAXON = ("id", "rank", "parent", "scientific_name", "en", "ko", "iucn", "cites", "status_year")


@dataclass(frozen=True, slots=True)
class SpeciesTable:
    """All classes of one species head, by index."""

    rows: tuple[Species, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def parse(cls, data: bytes) -> SpeciesTable:
        """Read `species.csv`. Raises BadBundle unless it lists 0..n-1 in order with unique ids."""
        rows = tuple(_rows("species.csv", data, _species))
        if [row.index for row in rows] != list(range(len(rows))) or not rows:
            raise BadBundle("species.csv: index must count 0, 1, 2, ... in file order")
        if len({row.id for row in rows}) != len(rows):
            raise BadBundle("species.csv: duplicate id")
        return cls(rows)

    def rank(self, probabilities: Sequence[float]) -> tuple[SpeciesScore, ...]:
        """Best first; equal probabilities in index order. `probabilities` is by class index."""
        scores = (SpeciesScore(row, float(probabilities[row.index])) for row in self.rows)
        return tuple(sorted(scores, key=lambda score: -score.probability))

    def label(
        self, *, index: str | None = None, species: str | None = None
    ) -> Species | UntrainedLabel:
        """The same, or one of the labels outside the model's classes. Raises InvalidRequest."""
        outside = next((label for label in UNTRAINED if label.id == species), None)
        return self.find(index=index, species=species) if index or not outside else outside

    def find(self, *, index: str | None = None, species: str | None = None) -> Species:
        """The species that a person chose, by class index or by id. Raises InvalidRequest."""
        if (index is None) == (species is None):
            raise InvalidRequest("give one of 'index' (class index) and 'species' (id)")
        if species is not None:
            match = next((row for row in self.rows if row.id == species), None)
            if match is None:
                raise InvalidRequest(f"unknown species {species!r:.60}; species.json lists them")
            return match
        text = str(index).strip()
        if not _NUMBER.fullmatch(text) or int(text) >= len(self.rows):
            raise InvalidRequest(f"index {text!r:.20} is not one of 0..{len(self.rows) - 1}")
        return self.rows[int(text)]


def look_alikes(data: bytes, known: SpeciesTable) -> tuple[LookAlike, ...]:
    """Read `look_alikes.csv`, without what has become a class since. Raises BadBundle."""
    ids = {row.id for row in known.rows}
    rows = _rows("look_alikes.csv", data, _look_alike)
    if stray := next((row.of for row in rows if row.of not in ids), None):
        raise BadBundle(f"look_alikes.csv: {stray!r:.60} is not in species.csv")
    return tuple(row for row in rows if row.id not in ids)


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All taxa by id."""

    taxa: Mapping[str, Taxon]

    @classmethod
    def parse(cls, data: bytes) -> Taxonomy:
        """Read `taxonomy.csv`. Raises BadBundle, naming the row."""
        rows = _rows("taxonomy.csv", data, _taxon)
        taxa = {row.id: row for row in rows}
        if len(taxa) != len(rows):
            raise BadBundle("taxonomy.csv: duplicate id")
        ranks = list(Rank)
        for row in rows:
            parent = taxa.get(row.parent)
            above = parent is not None and ranks.index(parent.rank) > ranks.index(row.rank)
            if row.parent and not above:
                raise BadBundle(f"taxonomy.csv: {row.id}: {row.parent!r} cannot be its parent")
        return cls(taxa)

    def above(self, taxon: str, rank: Rank) -> Taxon | None:
        """The taxon itself or the one above it that has this rank; None if there is none."""
        ancestor = self.taxa.get(taxon)
        while ancestor is not None and ancestor.rank is not rank:
            ancestor = self.taxa.get(ancestor.parent)
        return ancestor

    def lowest_sure(
        self,
        *,
        likely: Sequence[tuple[str, float]],
        groups: Sequence[tuple[str, float]],
        sure: float,
        alone: bool = True,
    ) -> Named | None:
        """The one taxon of the set, else the first group or family that is at least `sure`.

        The one taxon only if it may be named `alone`.

        `likely` is the set of species with their probabilities, `groups` every group with its own.
        A group or family is named only if it includes the whole set: two answers never contradict.
        """
        if len(likely) == 1 and alone:
            (name, probability) = likely[0]
            taxon = self.taxa.get(name)
            return None if taxon is None else Named(taxon, probability)
        for rank in (Rank.GROUP, Rank.FAMILY):
            shares: dict[str, float] = {}
            for group, probability in groups:
                above = self.above(group, rank)
                if above is not None:
                    shares[above.id] = shares.get(above.id, 0.0) + probability
            best = max(shares, key=shares.__getitem__, default=None)
            if best is None or shares[best] < sure:
                continue
            over = [self.above(name, rank) for name, _ in likely]
            if all(taxon is not None and taxon.id == best for taxon in over):
                return Named(self.taxa[best], min(1.0, shares[best]))
        return None


def _rows(name: str, data: bytes, read: Callable[[Mapping[str, str]], _Row]) -> list[_Row]:
    try:
        return [read(line) for line in csv.DictReader(io.StringIO(data.decode("utf-8-sig")))]
    except (UnicodeDecodeError, KeyError, ValueError, AttributeError, csv.Error) as error:
        raise BadBundle(f"{name} cannot be read: {error!r}") from error


def _species(line: Mapping[str, str]) -> Species:
    first, *others = (line[name].strip() for name in COLUMNS[1:])
    return Species(int(line["index"]), _id(first), *others)


def _taxon(line: Mapping[str, str]) -> Taxon:
    first, rank, *others = (line[name].strip() for name in _TAXON)
    return Taxon(_id(first), Rank(rank), *others)


def _look_alike(line: Mapping[str, str]) -> LookAlike:
    of, name, *others = (line[column].strip() for column in LOOK_ALIKE)
    return LookAlike(_id(of), _id(name), *others)


def _id(text: str) -> str:
    if not ID.fullmatch(text):
        raise ValueError(f"{text!r:.80} is not an id (letters, digits, '.', '_', '-')")
    return text
