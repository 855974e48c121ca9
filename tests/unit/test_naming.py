"""Names: ranks that include the set, files that are what they say."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from parrot.errors import BadBundle
from parrot.model.heads import Naming, Softmax
from parrot.model.species import SpeciesTable, Taxonomy, look_alikes
from parrot.records import Rank
from tests.support.default_bundle import TAXONOMY

RNG = np.random.default_rng(5)
MODELS = Path(__file__).parents[2] / "models"
SURE = 0.7


def table(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((MODELS / name).read_text(encoding="utf-8").splitlines()))


def naming() -> Naming:
    def softmax(classes: int) -> Softmax:
        weights = RNG.normal(size=(6, classes)).astype(np.float32)
        return Softmax(weights, RNG.normal(size=classes).astype(np.float32))

    return Naming(softmax(4), softmax(2), ("macaws", "conures"))


def test_names_are_the_same_after_their_file() -> None:
    """What was fitted and evaluated is what is served."""
    heads, x = naming(), RNG.normal(size=(9, 6)).astype(np.float32)
    again = Naming.load(heads.dump())
    np.testing.assert_array_equal(again.species(x), heads.species(x))
    np.testing.assert_array_equal(again.groups(x), heads.groups(x))
    assert again.group_ids == heads.group_ids
    np.testing.assert_allclose(heads.species(x).sum(axis=1), 1, rtol=1e-5)


def test_heads_that_do_not_belong_together_are_refused() -> None:
    """A function must say BadBundle when it starts, not fail at its first parrot."""
    heads = naming()
    groups = Softmax(heads.groups.weights[:-1], heads.groups.biases)
    for wrong in (replace(heads, groups=groups), replace(heads, group_ids=("macaws",))):
        with pytest.raises(BadBundle, match="weights for"):
            Naming.load(wrong.dump())


@pytest.mark.parametrize(
    ("likely", "groups", "rank", "name"),
    [
        ([("ara-macao", 0.9)], [("conures", 0.9)], Rank.SPECIES, "ara-macao"),
        ([("amazona", 0.8)], [], Rank.GENUS, "amazona"),
        ([("ara-macao", 0.5), ("ara-ararauna", 0.4)], [("macaws", 0.9)], Rank.GROUP, "macaws"),
        ([], [("lories", 0.8), ("macaws", 0.1)], Rank.GROUP, "lories"),
        ([], [("macaws", 0.5), ("conures", 0.4)], Rank.FAMILY, "psittacidae"),
        (
            [("ara-macao", 0.5), ("aratinga-solstitialis", 0.4)],
            [("macaws", 0.8)],
            Rank.FAMILY,
            "psittacidae",
        ),
        ([], [("macaws", 0.3), ("lories", 0.4)], None, None),
        # A name that excludes half of the set would contradict it.
        ([("ara-macao", 0.5), ("cacatua", 0.4)], [("macaws", 0.95)], None, None),
    ],
)
def test_the_lowest_rank_that_is_sure_is_named_if_there_is_one(
    likely: list[tuple[str, float]],
    groups: list[tuple[str, float]],
    rank: Rank | None,
    name: str | None,
) -> None:
    """A macaw of no known species is still a macaw."""
    named = TAXONOMY.lowest_sure(likely=likely, groups=groups, sure=SURE)
    assert (named and named.taxon.rank, named and named.taxon.id) == (rank, name)


def test_every_label_and_class_of_the_default_bundle_has_a_family() -> None:
    """A row without parents would silently never be rolled up."""
    named = {line["taxon"] for line in table("data/labels.csv")}
    named |= {line["id"] for line in table("default/species.csv")}
    families = {"psittacidae", "psittaculidae", "psittrichasiidae"}  # of kinds in no group of ours
    for taxon in named - {"not-alive"}:
        assert TAXONOMY.above(taxon, Rank.FAMILY) is not None, taxon
        if taxon not in families:
            assert TAXONOMY.above(taxon, Rank.GROUP) is not None, taxon


def test_what_became_a_class_is_no_look_alike_any_more() -> None:
    """A candidate with one more class keeps the file of the bundle that it grew from."""
    header = "of,id,scientific_name,en,ko\n"
    rows = "ara-macao,ara-chloropterus,A,a,a\nara-macao,ara-militaris,M,m,m\n"
    table = "index,id,scientific_name,en,ko,cites\n0,ara-macao,A,a,a,I\n"
    small = SpeciesTable.parse(table.encode())
    grown = SpeciesTable.parse((table + "1,ara-chloropterus,A,a,a,II\n").encode())
    seen = [[row.id for row in look_alikes((header + rows).encode(), t)] for t in (small, grown)]
    assert seen == [["ara-chloropterus", "ara-militaris"], ["ara-militaris"]]
    with pytest.raises(BadBundle, match=r"look_alikes\.csv: 'kea'"):
        look_alikes((header + "kea,kaka,K,k,k\n").encode(), small)


@pytest.mark.parametrize(
    "rows",
    [
        "a,family,,A,a,a,,,\na,family,,A,a,a,,,\n",
        "a,species,b,A,a,a,,,\n",
        "a,family,a,A,a,a,,,\n",
        "a,kingdom,,A,a,a,,,\n",
        "a,family,,A,a,a,,,\nb,family,a,A,a,a,,,\n",
    ],
    ids=["duplicate", "no parent", "own parent", "unknown rank", "wrong rank"],
)
def test_a_taxonomy_that_contradicts_itself_is_refused(rows: str) -> None:
    """Walking up it must end."""
    header = "id,rank,parent,scientific_name,en,ko,iucn,cites,status_year\n"
    with pytest.raises(BadBundle, match=r"taxonomy\.csv"):
        Taxonomy.parse((header + rows).encode())
