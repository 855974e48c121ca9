"""What the pages of kinds show: names, protection, facts, and plates, which are drawn here.

Names, ranks and protection come from `taxonomy.csv`, everything else from `kinds.toml`.
`plates/SHAPE.svg` has a line per part, with the part's name in braces where its colour belongs;
`plates/colours.toml` says which shape and colours a kind has. The shapes are our own drawings.

The same table says what a model's species are mistaken for that it does not know.
"""

import json
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from models.data import tables
from models.data.labelled_photos import TAXONOMY_CSV
from parrot.model.species import LOOK_ALIKE, SpeciesTable, Taxonomy
from parrot.records import Taxon

_FACTS = Path(__file__).with_suffix(".toml")
_TEXTS = ("range", "diet", "life", "law")
_MOST_PLATES = 3  # of the members of a group that has no plate of its own
_PLATES = Path(__file__).parent / "plates"
_PART = re.compile(r"\{(\w+)\}")


def table(plates: Iterable[str]) -> dict[str, Any]:
    """`{"kinds": {id: ...}, "sources": {key: text}}`, as the page reads it; texts by language.

    `plates` are the file names of those that are drawn.
    """
    facts = tomllib.loads(_FACTS.read_text(encoding="utf-8"))
    taxa = Taxonomy.parse(TAXONOMY_CSV.read_bytes()).taxa
    drawn = {Path(name).stem for name in plates}
    kinds = {}
    for kind, row in facts["kinds"].items():
        members = [taxon.id for taxon in taxa.values() if taxon.parent == kind]
        kinds[kind] = {
            **_named(taxa.get(kind), row, facts["law"]),
            **{key: _text(row[key]) for key in _TEXTS if key in row},
            **{key: row[key] for key in ("alike", "size", "sources") if key in row},
            "marks": [_text(mark) for mark in row["marks"]],
            "members": members,
            "plates": _own(kind, drawn) or _borrowed(members, taxa, drawn)[:_MOST_PLATES],
        }
    return {"kinds": kinds, "sources": facts["sources"]}


def look_alikes(known: SpeciesTable) -> bytes:
    """`look_alikes.csv` of a bundle with these species."""
    kinds, ids = table(())["kinds"], [row.id for row in known.rows]
    lines: list[tuple[str, ...]] = [LOOK_ALIKE]
    for of in ids:
        for name in kinds.get(of, {}).get("alike", ()):
            names, latin = kinds[name]["names"], kinds[name]["scientific_name"]
            within = latin.startswith(f"{kinds[of]['scientific_name']} ")  # its own genus
            if name not in ids and not within:
                lines.append((of, name, latin, names["en"], names["ko"]))
    return tables.written(lines)


def shown(table: dict[str, Any]) -> set[str]:
    """The file names of the plates in such a table."""
    return {f"{plate}.svg" for row in table["kinds"].values() for plate in row["plates"]}


def dump(table: dict[str, Any]) -> bytes:
    """`kinds.json`, a line per kind."""
    rows = (
        f"{json.dumps(kind)}: {json.dumps(row, ensure_ascii=False)}"
        for kind, row in table["kinds"].items()
    )
    sources = json.dumps(table["sources"], ensure_ascii=False)
    return ('{"kinds": {\n' + ",\n".join(rows) + f'\n}},\n"sources": {sources}}}\n').encode()


def _named(taxon: Taxon | None, row: dict[str, Any], law: dict[str, list[str]]) -> dict[str, Any]:
    """What a kind is called, what it belongs to and how it is protected, as far as it is known."""
    if taxon is None:
        return {"names": _text(row["names"]), "scientific_name": row["scientific_name"]}
    named = {
        "names": _text([taxon.english, taxon.korean]),
        "scientific_name": taxon.scientific_name,
        "rank": taxon.rank,
        "parent": taxon.parent,
    }
    if not taxon.status_year:
        return named
    protection = {"iucn": taxon.iucn, "cites": taxon.cites, "status_year": taxon.status_year}
    return {**named, **protection, "law": _text(law[taxon.cites])}


def _own(kind: str, drawn: Collection[str]) -> list[str]:
    return [name for name in (kind, f"{kind}-female") if name in drawn]


def _borrowed(members: list[str], taxa: Mapping[str, Taxon], drawn: Collection[str]) -> list[str]:
    """The first plate of each member, or of the members of a member."""
    shown = []
    for member in members:
        below = [taxon.id for taxon in taxa.values() if taxon.parent == member]
        shown += (_own(member, drawn) or _borrowed(below, taxa, drawn))[:1]
    return shown


def _text(pair: list[str]) -> dict[str, str]:
    english, korean = pair
    return {"en": english, "ko": korean}


def drawings() -> dict[str, bytes]:
    """Each plate's file name and SVG. A KeyError names a shape that is not there."""
    table = tomllib.loads((_PLATES / "colours.toml").read_text(encoding="utf-8"))
    return {
        f"{name}.svg": _draw(row["shape"], {**table["shapes"][row["shape"]], **row})
        for name, row in table["plates"].items()
    }


def parts(shape: str) -> set[str]:
    """The parts of a shape that can have a colour."""
    return set(_PART.findall(_shape(shape)))


def _draw(shape: str, colours: dict[str, str]) -> bytes:
    lines = [
        line.format_map(colours)
        for line in _shape(shape).splitlines()
        if set(_PART.findall(line)) <= colours.keys()
    ]
    return "\n".join(lines).encode() + b"\n"


def _shape(name: str) -> str:
    return (_PLATES / f"{name}.svg").read_text(encoding="utf-8")
