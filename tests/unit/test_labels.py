"""The person's label against the model's verdict."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle

import pytest

from parrot.consent import Training
from parrot.documents import document
from parrot.errors import Conflict
from parrot.observation import MOST_LABELS, Label, Opinion, Status, Verdict
from parrot.quota import User
from parrot.records import NOT_A_PARROT, OTHER_PARROT
from parrot.review import reviewed
from tests.support.observations import observation, processed, verdict
from tests.support.processing import GALAH, KEA, World

NOW = datetime(2026, 11, 24, tzinfo=UTC)
MACAW, NOTHING = verdict("ara-macao"), verdict()
MAYBE = replace(MACAW, is_parrot=False, maybe=True)
UNKNOWN = replace(verdict("nestor-notabilis"), species_probability=0.005, likely=())


@pytest.mark.parametrize(
    ("label", "verdict", "status"),
    [
        (NOT_A_PARROT.id, NOTHING, Status.READY),
        (NOT_A_PARROT.id, MACAW, Status.NEEDS_REVIEW),
        (NOT_A_PARROT.id, MAYBE, Status.NEEDS_REVIEW),
        ("ara-macao", MAYBE, Status.READY),
        (NOT_A_PARROT.id, UNKNOWN, Status.NEEDS_REVIEW),
        (OTHER_PARROT.id, NOTHING, Status.NEEDS_REVIEW),
        (OTHER_PARROT.id, MACAW, Status.NEEDS_REVIEW),
        (OTHER_PARROT.id, UNKNOWN, Status.READY),
        ("nestor-notabilis", UNKNOWN, Status.NEEDS_REVIEW),
        ("ara-macao", MACAW, Status.READY),
        ("ara-ararauna", replace(MACAW, likely=("ara-macao", "ara-ararauna")), Status.READY),
        ("ara-ararauna", MACAW, Status.NEEDS_REVIEW),
        ("ara-macao", replace(MACAW, likely=None), Status.READY),
    ],
)
def test_person_and_model_agree_by_the_set(label: str, verdict: Verdict, status: Status) -> None:
    """A ranking has a first even for what the model never saw: its best guess confirms nothing.

    A monk parakeet that somebody saved as a kea was ready, because the kea led with half a percent.
    """
    assert reviewed(Label(label, None, NOW), verdict) is status


ANA = User("ana")


def test_where_nothing_trains_nobody_can_allow_it(world: World) -> None:
    """The page would promise what never happens."""
    world.training = Training.OFF
    observations, (stored, _) = world.observations(), world.store.create(observation())
    with pytest.raises(Conflict, match="uses no photos"):
        observations.change(ANA, stored.id, training=True)
    refused = observations.change(ANA, stored.id, training=False)
    assert refused.consent is not None
    assert not refused.consent.given


def test_the_same_label_again_objects_once_to_what_reviewers_settled(world: World) -> None:
    """Nobody should have to name a bird wrongly first, only to be heard."""
    observations, world.now = world.observations(), NOW + timedelta(hours=1)
    opinions = tuple(Opinion(name, "macaws", NOW) for name in ("ray", "sue"))
    settled = replace(processed(1, "0" * 16), verdict=MACAW, opinions=opinions)
    stored, _ = world.store.create(settled)
    objected = observations.change(ANA, stored.id, KEA)
    assert (objected.status, len(objected.labels)) == (Status.NEEDS_REVIEW, 2)
    assert observations.change(ANA, stored.id, KEA) == objected


def test_labels_end_before_the_document_grows_large(world: World) -> None:
    """A program that relabels endlessly gets a clear answer, and the last label stays."""
    observations = world.observations()
    stored, _ = world.store.create(replace(observation(), labels=()))
    for _, species in zip(range(MOST_LABELS), cycle((GALAH, KEA)), strict=False):
        stored = observations.change(ANA, stored.id, species)
    with pytest.raises(Conflict, match=f"{MOST_LABELS} labels"):
        observations.change(ANA, stored.id, GALAH)
    # The same label again is not a change.
    assert observations.change(ANA, stored.id, KEA) == stored
    assert len(json.dumps(document(stored))) < 32 * 1024
