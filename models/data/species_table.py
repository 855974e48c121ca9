"""Tables for a person's own photos: a first `species.csv`, and `taxonomy.csv` with its species."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from models.data import tables
from models.data.labelled_photos import (
    TAXONOMY_CSV,
    UNSORTED,
    BadDataset,
    LabelledPhoto,
    class_id,
    taxa_by_label,
)
from models.data.wanted import may_be_class
from parrot.model.species import COLUMNS, SpeciesTable, Taxonomy
from parrot.records import Rank, Species

_GENERA = Path(__file__).with_name("genera.csv")
_NAMED = frozenset({Rank.SPECIES, Rank.GENUS})


def read(path: Path) -> bytes:
    """A person's `species.csv`, as a bundle has it whatever program saved it."""
    return tables.utf8(path.read_bytes())


def from_photos(photos: Sequence[LabelledPhoto], taxonomy: Taxonomy, *, fewest: int) -> bytes:
    """One class per label that has `fewest` photos; what is known of it is filled in.

    Labels of one species or genus of `taxonomy.csv` share a class. A class of no known species is
    named after its label, for a person to complete. Raises BadDataset.
    """
    counts = Counter(
        _class(photo, taxonomy) for photo in photos if photo.is_parrot and photo.label != UNSORTED
    )
    labels = {class_id(photo.label): photo.label for photo in photos}
    ids = sorted(name for name, count in counts.items() if count >= fewest)
    if not ids:
        raise BadDataset(f"no label under parrots/ has {fewest} photos")
    rows = (_row(index, name, labels.get(name, name), taxonomy) for index, name in enumerate(ids))
    return tables.written([COLUMNS, *rows])


def of_no_class(photos: Sequence[LabelledPhoto], species: Sequence[str]) -> str:
    """Parrots that are no class of the table, as a line; empty if there are none."""
    unused = Counter(
        photo.label for photo in photos if photo.is_parrot and photo.species(species) is None
    )
    counted = ", ".join(f"{label} {count}" for label, count in unused.most_common())
    return f"parrots of no class in species.csv (photos): {counted}" if unused else ""


def appended(species_csv: bytes, kind: str, taxonomy: Taxonomy) -> bytes:
    """The table with one more class at its end, whose names are known or made of its id."""
    table = SpeciesTable.parse(species_csv)
    if not may_be_class(kind) or kind != class_id(kind) or kind in {row.id for row in table.rows}:
        raise BadDataset(f"{kind!r:.60} is not the id of a new class: species.csv only grows")
    row = _row(len(table), kind, kind, taxonomy)
    return species_csv.rstrip() + b"\n" + tables.written([row])


def _row(index: int, name: str, label: str, taxonomy: Taxonomy) -> tuple[str | int, ...]:
    """What is known of a class, by COLUMNS; one of no known species is named after its label."""
    known = taxonomy.taxa.get(name)
    if known is not None:
        names = (known.scientific_name, known.english, known.korean)
        return index, name, *names, known.cites
    words = label.replace("-", " ").replace("_", " ").strip()
    return index, name, "", words[:1].upper() + words[1:], "", ""


def taxonomy_for(table: SpeciesTable, taxonomy: bytes | None = None) -> bytes:
    """This `taxonomy.csv`, or ours, and the table's own species that it does not have."""
    data = taxonomy or TAXONOMY_CSV.read_bytes()
    known = Taxonomy.parse(data)
    rows = []
    for row in table.rows:
        if row.id not in known.taxa:
            names = (row.scientific_name, row.english, row.korean)
            rows.append((row.id, Rank.SPECIES.value, _kin(row, known), *names, "", row.cites, ""))
    return data + tables.written(rows)


def _kin(row: Species, known: Taxonomy) -> str:
    """The taxon above a species: by its id, its scientific name, or its genus; empty if unknown."""
    found = known.taxa.get(taxa_by_label().get(row.id, class_id(row.scientific_name)))
    if found is not None:
        return found.parent if found.rank is Rank.SPECIES else found.id
    with _GENERA.open(newline="", encoding="utf-8") as file:
        by_genus = {
            genus: line["taxon"]
            for line in csv.DictReader(file)
            for genus in line["genera"].split()
        }
    return by_genus.get(row.scientific_name.partition(" ")[0].capitalize(), "")


def _class(photo: LabelledPhoto, taxonomy: Taxonomy) -> str:
    taxon = taxonomy.taxa.get(photo.taxon or "")
    return taxon.id if taxon is not None and taxon.rank in _NAMED else class_id(photo.label)
