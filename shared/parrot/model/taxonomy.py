"""Parrots by rank: which group and family a species belongs to, and what people call them.

`taxonomy.csv` has a row per taxon: id, rank, parent, scientific_name, en, ko, iucn, cites and
status_year, the year that IUCN's category and CITES' appendix are of. A group is an everyday word
(macaws, lories) and lies between family and genus.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from parrot.errors import BadBundle
from parrot.records import Rank, Taxon

if TYPE_CHECKING:
    from collections.abc import Mapping

COLUMNS = ("id", "rank", "parent", "scientific_name", "en", "ko", "iucn", "cites", "status_year")


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All taxa by id."""

    taxa: Mapping[str, Taxon]

    @classmethod
    def parse(cls, data: bytes) -> Taxonomy:
        """Read `taxonomy.csv`. Raises BadBundle, naming the row."""
        try:
            lines = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
            rows = [_taxon(line) for line in lines]
        except (UnicodeDecodeError, KeyError, ValueError, AttributeError, csv.Error) as error:
            raise BadBundle(f"taxonomy.csv cannot be read: {error!r}") from error
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


def _taxon(line: Mapping[str, str]) -> Taxon:
    values = {name: line[name].strip() for name in COLUMNS}
    return Taxon(
        values["id"],
        Rank(values["rank"]),
        *(values[name] for name in COLUMNS[2:]),
    )
