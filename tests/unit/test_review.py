"""When a decision about a photo is settled."""

from dataclasses import replace
from datetime import timedelta

import pytest

from parrot.consent import Consent
from parrot.observation import Label, Opinion, Status
from parrot.review import CANNOT_TELL, UNUSABLE, arranged, settled, standing, waiting
from tests.support.observations import NOW, at, processed, verdict

KEA, GALAH, MACAW = "nestor-notabilis", "eolophus-roseicapilla", "ara-macao"
LATER = NOW + timedelta(hours=1)


def opinions(*species: str) -> tuple[Opinion, ...]:
    """Of different reviewers, one after the other."""
    return tuple(Opinion(f"r{number}", name, NOW) for number, name in enumerate(species))


@pytest.mark.parametrize(
    ("said", "given", "outcome"),
    [
        (KEA, opinions(), None),
        (KEA, opinions(KEA), KEA),  # one who agrees with the person
        (KEA, opinions(GALAH), None),
        (KEA, opinions(GALAH, GALAH), GALAH),  # two who agree
        (KEA, opinions(GALAH, MACAW), None),
        (KEA, opinions(GALAH, MACAW, MACAW), MACAW),  # the third decides
        (KEA, opinions(GALAH, MACAW, KEA), KEA),
        (KEA, opinions(UNUSABLE, UNUSABLE), UNUSABLE),
        (KEA, opinions(*"abcdefg"), CANNOT_TELL),  # so many, and no two of them agree
        (None, opinions(GALAH), None),
        (None, opinions(GALAH, GALAH), GALAH),
    ],
)
def test_two_settle_it_or_one_and_the_person(
    said: str | None, given: tuple[Opinion, ...], outcome: str | None
) -> None:
    """One reviewer alone, or one who says it twice, overrules nobody."""
    label = None if said is None else Label(said, None, NOW - timedelta(hours=1))
    assert settled(label, given) == outcome
    again = tuple(replace(one, reviewer="r0") for one in given)
    if outcome not in {said, None}:
        assert settled(label, again) is None


def test_a_person_who_objects_gets_a_third_reviewer_and_no_fourth() -> None:
    """A later label that says otherwise opens it again, until three are of one mind."""
    objection = Label(KEA, None, LATER)
    assert settled(objection, opinions(GALAH, GALAH)) is None
    assert settled(replace(objection, species=GALAH), opinions(GALAH, GALAH)) == GALAH
    third = Opinion("third", GALAH, LATER + timedelta(hours=1))
    assert settled(objection, (*opinions(GALAH, GALAH), third)) == GALAH
    assert settled(objection, (*opinions(GALAH, GALAH), replace(third, species=KEA))) == KEA
    last = replace(objection, at=LATER + timedelta(hours=2))
    assert settled(last, (*opinions(GALAH, GALAH), third)) == GALAH


def test_only_what_may_train_and_is_contested_waits() -> None:
    """What another reviewer has begun comes first, then what the model doubts."""
    contested = replace(
        processed(1, "0" * 16),
        status=Status.NEEDS_REVIEW,
        verdict=verdict(GALAH),
        consent=Consent(given=True, at=NOW),
    )
    assert waiting(contested) == pytest.approx(0.3 * 0.1)
    begun = replace(contested, opinions=opinions(MACAW))
    unknown = replace(contested, verdict=replace(verdict(GALAH), likely=()))
    assert [waiting(begun), waiting(unknown)] == pytest.approx([1.03, 0.15])
    for hidden in (
        replace(contested, consent=None),
        replace(contested, consent=Consent(given=False, at=NOW)),
        replace(contested, status=Status.READY),
        replace(contested, labels=()),
        replace(contested, duplicate_of="another"),
    ):
        assert waiting(hidden) is None
    agreed = replace(contested, verdict=verdict(KEA))
    assert standing(agreed) is Status.READY
    assert standing(replace(agreed, opinions=opinions(GALAH))) is Status.NEEDS_REVIEW
    assert standing(replace(agreed, opinions=opinions(GALAH, GALAH))) is Status.READY


def test_rare_kinds_come_first_and_the_same_kind_not_again_at_once() -> None:
    """Few photos of a kind teach more than many: of those in the bundle, and of those before."""
    labels = [KEA, KEA, KEA, GALAH, GALAH, MACAW]
    rows = [
        replace(row, labels=(Label(species, None, NOW),))
        for number, species in enumerate(labels)
        if (row := processed(number, "0" * 16, f"u{number}"))
    ]
    known = {KEA: 3, GALAH: 0, MACAW: 100}
    names = [row.label.species for row in arranged(rows, known, size=9) if row.label]
    assert names == [GALAH, GALAH, KEA, KEA, KEA, MACAW]
    assert len(arranged(rows, known, size=2)) == 2
    assert arranged([], known, size=2) == []


def test_neither_one_person_nor_one_scene_comes_twice_in_a_row() -> None:
    """Ten photos of one perch teach what one does, and a reviewer tires of it."""
    ana = [replace(processed(number, "0" * 16), embedded=at(number)) for number in (1, 2)]
    other_scene = replace(processed(3, "0" * 16), embedded=at(90))
    bea = replace(processed(4, "0" * 16, "bea"), embedded=at(1))
    from_before = processed(5, "0" * 16, "bea")  # no bundle told what it looks like
    ids = [row.id[-1] for row in arranged([*ana, other_scene, bea, from_before], {}, size=5)]
    assert ids == ["1", "4", "2", "5", "3"]
    assert [row.id[-1] for row in arranged([*ana, other_scene], {}, size=3)] == ["1", "3", "2"]
