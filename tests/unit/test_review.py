"""When a decision about a photo is settled."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from parrot.consent import Consent
from parrot.observation import Label, Opinion, Status
from parrot.review import CANNOT_TELL, UNUSABLE, settled, standing, waiting
from tests.support.observations import NOW, processed, verdict

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
    """What another reviewer has begun comes first, then what the model is surest of."""
    contested = replace(
        processed(1, "0" * 16),
        status=Status.NEEDS_REVIEW,
        verdict=verdict(GALAH),
        consent=Consent(given=True, at=NOW),
    )
    assert waiting(contested) == 0.9
    begun = replace(contested, opinions=opinions(MACAW))
    unknown = replace(contested, verdict=replace(verdict(GALAH), likely=()))
    assert [waiting(begun), waiting(unknown)] == [1.9, 0.5]
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
