"""Class index to species: the order of `species.csv` is the contract with the model."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from parrot.errors import BadBundle, InvalidRequest
from parrot.records import UNTRAINED, Species, SpeciesScore, UntrainedLabel

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBER = re.compile(r"[0-9]{1,6}")
COLUMNS = ("index", "id", "scientific_name", "en", "ko", "cites")


@dataclass(frozen=True, slots=True)
class SpeciesTable:
    """All classes of one species head, by index."""

    rows: tuple[Species, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def parse(cls, data: bytes) -> SpeciesTable:
        """Read `species.csv`. Raises BadBundle unless it lists 0..n-1 in order with unique ids."""
        try:
            lines = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
            rows = tuple(
                Species(int(line["index"]), *(line[name].strip() for name in COLUMNS[1:]))
                for line in lines
            )
        except (UnicodeDecodeError, KeyError, ValueError, AttributeError, csv.Error) as error:
            raise BadBundle(f"species.csv cannot be read: {error!r}") from error
        if [row.index for row in rows] != list(range(len(rows))) or not rows:
            raise BadBundle("species.csv: index must count 0, 1, 2, ... in file order")
        if len({row.id for row in rows}) != len(rows):
            raise BadBundle("species.csv: duplicate id")
        return cls(rows)

    def rank(
        self, probabilities: Sequence[float], top: int | None = None
    ) -> tuple[SpeciesScore, ...]:
        """Best first; equal probabilities in index order. `probabilities` is by class index."""
        scores = (SpeciesScore(row, float(probabilities[row.index])) for row in self.rows)
        return tuple(sorted(scores, key=lambda score: -score.probability)[:top])

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
