"""Which saved photos train, and as what."""

from dataclasses import replace
from datetime import timedelta

import pytest

from models.data import training_labels
from models.data.training_labels import LeftOut, trust
from parrot.consent import Consent
from parrot.observation import Label, Status
from parrot.records import NOT_A_PARROT, OTHER_PARROT, Reason
from parrot.review import UNUSABLE
from tests.support.observations import NOW, observation, verdict
from tests.support.processing import GALAH, KEA, World
from tests.support.saved_photos import (
    LATER,
    SURE,
    SURE_GALAH,
    UNKNOWN,
    exported,
    in_words,
    judged,
    label,
    opinions,
    places,
    proved,
    saved,
)

NOTHING, BIRD = verdict(), replace(verdict(), reason=Reason.OTHER_BIRD)


def test_only_what_person_and_model_agree_on_trains(world: World) -> None:
    """A galah saved as a kea came out as a kea, and "not a parrot" was thrown away."""
    judged(
        world,
        (KEA.id, verdict(KEA.id)),
        (NOT_A_PARROT.id, BIRD),
        (NOT_A_PARROT.id, NOTHING),
        (OTHER_PARROT.id, UNKNOWN),
        (KEA.id, verdict(GALAH.id)),
        (KEA.id, UNKNOWN),
        (KEA.id, replace(verdict(KEA.id), likely=None)),  # nothing but a best guess
        ("no-such-kind", verdict(KEA.id)),
    )
    saved(world, 18, consent=None)
    saved(world, 19, consent=Consent(given=False, at=NOW))
    saved(world, 20, status=Status.REJECTED)
    saved(world, 21, duplicate_of="another")
    proved(world, "ana")
    done, lines = exported(world)
    assert places(lines) == [
        "negatives/not-a-parrot",
        "other_birds/not-a-parrot",
        *[f"parrots/{KEA.id}"] * 11,
        "parrots/other-parrot",
    ]
    assert done.written == 14
    assert done.left_out == {
        LeftOut.UNSETTLED: 3,
        LeftOut.UNLABELLED: 1,
        LeftOut.FORBIDDEN: 2,
        LeftOut.UNPROCESSED: 1,
        LeftOut.DUPLICATE: 1,
    }


def test_what_reviewers_settle_trains_under_their_label(world: World) -> None:
    """The person's label, the model's set and a single reviewer are overruled."""
    saved(world, 1, opinions=opinions(GALAH.id))
    saved(world, 2, labels=label(GALAH.id), verdict=UNKNOWN, opinions=opinions(GALAH.id, "r"))
    saved(world, 3, opinions=opinions(GALAH.id, "r"))  # contested
    saved(world, 4, opinions=opinions(UNUSABLE))
    done, lines = exported(world)
    assert places(lines) == [f"parrots/{GALAH.id}"] * 2
    assert done.left_out == {LeftOut.UNSETTLED: 2}


def test_peoples_own_words_name_only_what_reviewers_could_not(world: World) -> None:
    """Reviewers do not see them: whoever called other parrots galahs there taught galahs."""
    in_words(world, ("ana", "Galah", "r"), ("ana", "My Polly", "r"))
    classes = {GALAH.id, "my-polly", OTHER_PARROT.id}
    chosen = training_labels.chosen(world.store.everything(), classes)
    assert [label for _, label in chosen] == [OTHER_PARROT.id, "my-polly"]


def test_a_picture_of_two_people_trains_once(world: World) -> None:
    """One photo sent from many accounts must not weigh as many."""
    first = saved(world, 1)
    saved(world, 2, uid="ben")
    saved(world, 3, uid="eve", derived=first.derived)
    done, lines = exported(world)
    assert (len(lines), done.left_out) == (2, {LeftOut.DUPLICATE: 1})


def test_whom_reviewers_contradict_trains_nothing_more_on_their_word_alone(world: World) -> None:
    """Nobody starts with a bad name; who gives in to a reviewer was wrong before."""
    given_in = (*label(KEA.id), Label(GALAH.id, None, LATER))
    saved(world, 1, uid="mal", opinions=opinions(GALAH.id))
    saved(world, 2, uid="mal", opinions=opinions(GALAH.id), labels=given_in)
    saved(world, 3, uid="mal", opinions=opinions(KEA.id))
    saved(world, 4, uid="ben", opinions=opinions(GALAH.id))
    saved(world, 5, uid="ben", opinions=opinions(KEA.id))
    assert trust(world.store.everything()) == {"mal": 2 / 5, "ben": 2 / 4}
    for number, uid in enumerate(("mal", "ben", "new"), 11):
        saved(world, number, uid=uid)
    done, _ = exported(world)
    assert (done.written, done.left_out) == (7, {LeftOut.DISTRUSTED: 1})


def test_of_somebody_unknown_the_model_must_be_sure(world: World) -> None:
    """Whoever asks the model first knows which wrong names it holds possible."""
    either = replace(SURE, likely=(KEA.id, GALAH.id), species_probability=0.8)
    judged(
        world,
        (KEA.id, SURE),
        (NOT_A_PARROT.id, NOTHING),
        (KEA.id, either),
        (NOT_A_PARROT.id, replace(NOTHING, parrot_probability=0.2)),
        (OTHER_PARROT.id, UNKNOWN),
        (GALAH.id, either),
    )
    done, _ = exported(world)
    assert (done.written, done.left_out) == (2, {LeftOut.DOUBTED: 4})
    proved(world, "ana")
    done, _ = exported(world)
    assert (done.written, done.left_out) == (15, {LeftOut.DOUBTED: 1})


def test_trust_is_of_the_latest_settled_photos() -> None:
    """A hundred right labels of last year do not excuse what somebody says now."""
    rows = [
        replace(
            observation(number),
            labels=(Label(KEA.id, None, NOW + timedelta(seconds=number)),),
            opinions=opinions(KEA.id if number < 100 else GALAH.id),
        )
        for number in range(106)
    ]
    assert trust(rows[:100]) == {"ana": 11 / 12}
    assert trust(rows) == {"ana": 5 / 12}


def test_who_suddenly_labels_differently_is_held_back_before_anybody_reviews_it(
    world: World,
) -> None:
    """Trust that was earned is worth money to whoever wants to spoil a kind."""
    proved(world, "eve")
    for number in range(1, 5):
        saved(world, number, uid="eve", labels=label(KEA.id))
    for number in range(5, 11):
        renamed = Label(GALAH.id, None, NOW + timedelta(minutes=number))
        saved(world, number, uid="eve", labels=(renamed,), verdict=verdict(KEA.id))
    done, _ = exported(world)
    assert done.left_out == {LeftOut.UNSETTLED: 6, LeftOut.CHANGED: 4}


def test_accounts_that_name_one_picture_differently_are_not_believed(world: World) -> None:
    """The same bird in another size comes from several accounts; what is settled stays."""
    first = saved(world, 1)
    assert first.derived is not None
    smaller = replace(first.derived, phash=f"{int(first.derived.phash, 16) ^ 0b101:016x}")
    ben = saved(world, 2, uid="ben", labels=label(GALAH.id), verdict=SURE_GALAH, derived=smaller)
    done, _ = exported(world)
    assert (done.written, done.left_out) == (0, {LeftOut.DISPUTED: 1, LeftOut.DUPLICATE: 1})
    world.store.replace(replace(ben, opinions=opinions(GALAH.id, "r")))
    done, lines = exported(world)
    assert places(lines) == [f"parrots/{GALAH.id}"]
    assert done.left_out == {LeftOut.DUPLICATE: 1}


def test_a_flood_of_one_person_is_held_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However right they are, others' birds of this kind look different."""
    monkeypatch.setattr(training_labels, "_MOST_OF_ONE", 2)
    for number in (1, 2, 3):
        saved(world, number)
    saved(world, 4, uid="ben")
    done, _ = exported(world)
    assert (done.written, done.left_out) == (3, {LeftOut.FLOOD: 1})
