"""Simulated people: what they have in common with real ones, and with nobody else."""

from collections import Counter
from pathlib import Path

from local.loop import people
from models.data.labelled_photos import UNSORTED, Group, LabelledPhoto
from parrot.records import NOT_A_PARROT, OTHER_PARROT
from tests.support.default_bundle import TAXONOMY

KINDS = ["ara-ararauna", "ara-macao", "nestor-notabilis"]


def photo(number: int, source: int, kind: str = "ara-macao") -> LabelledPhoto:
    group = Group.PARROTS if kind else Group.NEGATIVES
    taxon = kind or None
    name = f"{source:02}-{number:03}"
    return LabelledPhoto(Path(name), group, kind or "food", taxon, name, f"source {source}")


def many() -> list[LabelledPhoto]:
    kinds = [*KINDS, "", "", UNSORTED]
    return [photo(n, n // 10, kinds[n % len(kinds)]) for n in range(600)]


def test_no_source_is_on_two_sides() -> None:
    """A model would be judged on the very bird that it was fitted on."""
    split = people.split(many(), saves=120, seed=1)
    known, saved, unseen = (
        {row.source for row in part} for part in (split.known, split.saved, split.unseen)
    )
    assert len(split.saved) == 120
    assert min(map(len, (known, saved, unseen))) > 0
    assert not known & saved
    assert not (known | saved) & unseen
    assert all(row.label != UNSORTED for row in (*split.saved, *split.unseen))


def test_no_photo_is_saved_twice_where_there_are_few() -> None:
    """Somebody's own photos may be a hundred, and fewer parrots than others."""
    rows = [photo for number, photo in enumerate(many()) if number < 60 or not photo.is_parrot]
    saved = people.split(rows, saves=600, seed=1).saved
    assert len(set(saved)) == len(saved)
    assert {photo.is_parrot for photo in saved} == {True, False}


def test_people_save_as_much_as_they_are_said_to_and_mostly_tell_the_truth() -> None:
    """A flood is five times as much; who means well errs in a few of a hundred."""
    weights = {"ana": 1.0, "ben": 1.0, "mal": 5.0}
    said = people.saves(many(), KINDS, TAXONOMY, weights, seed=1)
    count = Counter(save.person for save in said)
    assert count["mal"] / count["ana"] > 4.5
    assert len(said) == 600
    wrong = [save for save in said if save.label != save.truth]
    assert 0 < len(wrong) < 0.06 * len(said)


def test_a_wrong_name_is_another_one_of_the_same_group() -> None:
    """Nobody is fooled by a macaw that is called a kea; by one called another macaw, many."""
    wrong = people.renamed(KINDS, TAXONOMY)
    assert (wrong["ara-ararauna"], wrong["ara-macao"]) == ("ara-macao", "ara-ararauna")
    assert all(kind != name for kind, name in wrong.items())
    assert wrong.keys() == {*KINDS, NOT_A_PARROT.id, OTHER_PARROT.id}
