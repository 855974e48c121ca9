"""What the pages of kinds show: a plate and facts for each name that an answer can give."""

import json
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

from typer.testing import CliRunner

from local.stack import DEFAULT_BUNDLE, ROOT
from models.cli import app
from models.data import kinds
from parrot.records import Rank
from tests.support.default_bundle import SPECIES, TAXONOMY

MOST_BYTES = 4096
PLATES = kinds.drawings()
TABLE = kinds.table(PLATES)
KINDS = TABLE["kinds"]
IDS = [row.id for row in SPECIES.rows]


def test_the_page_has_the_newest_table_and_plates() -> None:
    """`python -m models kinds` writes them; whoever changes a colour must run it."""
    public = ROOT / "public"
    assert (public / "kinds.json").read_bytes() == kinds.dump(TABLE)
    committed = {path.name: path.read_bytes() for path in (public / "plates").iterdir()}
    assert committed == PLATES


def test_a_plate_that_nothing_shows_any_more_is_removed(tmp_path: Path) -> None:
    """Phones would keep it for ever; what others put beside the plates stays."""
    older = {"kinds": {"dodo": {"plates": ["dodo"]}}}
    (tmp_path / "kinds.json").write_text(json.dumps(older))
    (tmp_path / "plates").mkdir()
    for name in ("dodo.svg", "own.svg"):
        (tmp_path / "plates" / name).write_text("<svg/>")
    for _ in range(2):
        done = CliRunner().invoke(app, ["kinds", str(tmp_path)])
        assert done.exit_code == 0, done.output
        written = {path.name for path in (tmp_path / "plates").iterdir()}
        assert written == {*PLATES, "own.svg"}
    assert (tmp_path / "kinds.json").read_bytes() == kinds.dump(TABLE)


def test_every_name_that_an_answer_gives_has_a_plate_and_two_marks() -> None:
    """Species, genera, groups and families: "compare before you rely on it" needs a picture."""
    for kind in (*IDS, *TAXONOMY.taxa):
        assert KINDS[kind]["plates"], kind
        assert 2 <= len(KINDS[kind]["marks"]) <= 3, kind


def test_every_known_kind_has_facts_with_sources() -> None:
    """Only a lifespan may be missing, where none is certain."""
    facts = {"size", "range", "diet", "law", "sources", "alike", "status_year"}
    assert {kind: facts - KINDS[kind].keys() for kind in IDS} == {kind: set() for kind in IDS}


def test_the_table_refers_to_what_is_there() -> None:
    """Look-alikes have pages too, sources are spelled out, and no text lacks a language."""
    sources = TABLE["sources"]
    for kind, row in KINDS.items():
        assert set(row.get("alike", [])) <= KINDS.keys() - {kind}, kind
        assert set(row.get("sources", [])) <= sources.keys(), kind
        texts = [
            row["names"],
            *row["marks"],
            *(row[key] for key in ("range", "diet") if key in row),
        ]
        assert all(text["en"] and text["ko"] for text in texts), kind
    ranks = {TAXONOMY.taxa[name].rank for name in KINDS if name in TAXONOMY.taxa}
    assert ranks == set(Rank)
    assert json.loads(kinds.dump(TABLE)) == TABLE


def test_the_default_bundle_has_the_newest_look_alikes() -> None:
    """`fit` writes them from the table; a genus is not mistaken for one of its own species."""
    written = kinds.look_alikes(SPECIES)
    assert (DEFAULT_BUNDLE / "look_alikes.csv").read_bytes() == written
    assert b"anodorhynchus-leari" in written
    assert b"zanda-funerea" not in written


def test_a_plate_is_small_and_complete() -> None:
    """At most 4 kB, well formed, and every colour belongs to a part of the shape."""
    table = tomllib.loads((ROOT / "models/data/plates/colours.toml").read_text(encoding="utf-8"))
    for name, drawing in PLATES.items():
        row = table["plates"][name.removesuffix(".svg")]
        assert len(drawing) <= MOST_BYTES, name
        assert ET.fromstring(drawing).tag.endswith("svg"), name  # noqa: S314 - our own file
        unknown = row.keys() - kinds.parts(row["shape"]) - {"shape", "source"}
        assert unknown == set(), name
        assert row["source"], name
