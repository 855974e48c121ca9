"""One save: what makes it the same save, and what a phone's Idempotency-Key does."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from parrot import budget
from parrot.consent import Consent, Training
from parrot.errors import Conflict, IdempotencyKeyReused, InvalidImage, TooManyRequests
from parrot.photo import images
from parrot.quota import ANONYMOUS_UID, User
from tests.support.photos import encoded, noise
from tests.support.processing import (
    GALAH,
    KEA,
    NOW,
    Killed,
    Steps,
    World,
    at_every_step,
    die,
)

PHOTO, OTHER = (images.read(encoded(noise(32, 24, seed=seed))) for seed in (1, 2))
ANA, BEA = User("ana"), User("bea")
NOBODY = User(ANONYMOUS_UID, anonymous=True)


def test_a_save_that_a_killed_deletion_overtakes_is_refused_or_keeps_its_photo(
    tmp_path: Path,
) -> None:
    """What it uploaded would go when the deletion is finished, though a phone was told 201."""

    def story(world: World, steps: Steps) -> None:
        def begin_deletion() -> None:
            for row in world.store.of(ANA.uid, limit=1):
                with pytest.raises(Killed):
                    world.observations(Steps(2, die)).delete(ANA, row.id)

        steps.then = begin_deletion
        try:
            saved = world.saver(steps).save(PHOTO, KEA, ANA).observation
        except Conflict:
            assert world.files() == []
        else:
            assert world.files() == [saved.object_name]

    at_every_step(tmp_path, story)


def test_a_key_is_forgotten_after_a_week(world: World) -> None:
    """No phone retries that long; then it may be used for another photo."""
    world.saver().save(PHOTO, KEA, ANA, key="k-1")
    world.now += timedelta(days=7, seconds=-1)
    with pytest.raises(IdempotencyKeyReused):
        world.saver().save(OTHER, KEA, ANA, key="k-1")
    world.now += timedelta(seconds=1)
    assert world.saver().save(OTHER, KEA, ANA, key="k-1").created


@pytest.mark.parametrize(
    ("training", "said", "kept"),
    [
        (Training.ASK, None, None),
        (Training.ASK, True, True),
        (Training.ASK, False, False),
        (Training.GRANTED, None, True),
        (Training.GRANTED, False, False),
        (Training.OFF, True, False),
    ],
)
def test_what_the_person_says_about_training_is_kept_with_its_time(
    world: World,
    training: Training,
    said: bool | None,  # noqa: FBT001
    kept: bool | None,  # noqa: FBT001
) -> None:
    """And stays as it is when a phone sends the photo again: by then they may have changed it."""
    world.training = training
    consent = world.saver().save(PHOTO, KEA, ANA, training=said).observation.consent
    assert consent == (None if kept is None else Consent(kept, NOW))
    world.now += timedelta(hours=1)
    assert world.saver().save(PHOTO, KEA, ANA, training=not said).observation.consent == consent


def test_who_never_signed_up_granted_nothing(world: World) -> None:
    """All they can do is say so."""
    world.training = Training.GRANTED
    assert world.saver().save(PHOTO, KEA, NOBODY).observation.consent is None
    said = world.saver().save(OTHER, KEA, NOBODY, training=True).observation.consent
    assert said == Consent(given=True, at=NOW)


def test_without_a_login_a_key_binds_nothing(world: World) -> None:
    """All these phones share one user: one phone's key must not refuse another's photo."""
    once = world.saver().save(PHOTO, KEA, NOBODY, key="1")
    assert not world.saver().save(PHOTO, KEA, NOBODY, key="1").created
    assert world.saver().save(OTHER, KEA, NOBODY, key="1").created
    named_otherwise = world.saver().save(PHOTO, GALAH, NOBODY, key="1")
    assert named_otherwise.created
    assert named_otherwise.observation.id != once.observation.id


def test_a_refused_photo_binds_no_key(world: World) -> None:
    """The phone sends the whole photo with the same key once it has it."""
    half = images.read(PHOTO.data[:-100])
    with pytest.raises(InvalidImage):
        world.saver().save(half, KEA, ANA, key="k-1")
    assert world.saver().save(PHOTO, KEA, ANA, key="k-1").created


def test_a_retry_costs_no_decoding_and_hardly_a_key(world: World) -> None:
    """A second of CPU and a document for each request would be an attack for free."""
    steps = Steps()
    once = world.saver(steps).save(PHOTO, KEA, ANA, key="k-0")
    for number in range(50):
        again = world.saver(steps).save(PHOTO, KEA, ANA, key=f"k-{number}")
        assert (again.observation, again.created, again.allowance) == (
            once.observation,
            False,
            None,
        )
    assert steps.names.count("measure") == 1
    assert world.store.used("ana", "keys")[1] == 20
    world.now += timedelta(seconds=1)  # what is new still has its key
    world.saver().save(OTHER, KEA, ANA, key="new")
    with pytest.raises(IdempotencyKeyReused):
        world.saver().save(PHOTO, KEA, ANA, key="new")


def test_a_photo_that_nobody_tried_to_decode_does_not_count(world: World) -> None:
    """Parallel saves of one phone used up their day while its time for the minute was over."""
    world.quota = 1

    def used_up(_seconds: float) -> None:
        raise TooManyRequests(quota="cpu-seconds", limit=30, seconds=60, retry_after=9)

    bill = budget.Bill("ana")
    with budget.billed(bill):
        bill._charge = used_up  # noqa: SLF001 - by another request, meanwhile
        with pytest.raises(TooManyRequests, match="cpu-seconds"):
            world.saver().save(PHOTO, KEA, ANA)
    assert world.saver().save(PHOTO, KEA, ANA).created


def test_a_photo_that_cannot_be_decoded_counts_and_then_none_is_decoded(world: World) -> None:
    """Sending damaged photos must not be free work for the decoder."""
    world.quota = 2
    half = images.read(PHOTO.data[:-100])
    for _ in range(2):
        with pytest.raises(InvalidImage):
            world.saver().save(half, KEA, ANA)
    steps = Steps()
    for photo in (half, PHOTO):
        with pytest.raises(TooManyRequests):
            world.saver(steps).save(photo, KEA, ANA)
    assert "measure" not in steps.names
    assert world.saver().save(PHOTO, KEA, BEA).created


def test_a_save_whose_twin_takes_the_last_of_the_quota_is_the_same_save(tmp_path: Path) -> None:
    """Refused, the phone would show an error beside a photo that is saved."""

    def story(world: World, steps: Steps) -> None:
        steps.then = lambda: world.saver().save(PHOTO, KEA, ANA)
        world.saver(steps).save(PHOTO, KEA, ANA)
        assert world.store.used("ana", "saves")[1] == world.quota

    at_every_step(tmp_path, story, quota=1)


def test_as_many_photos_as_the_limit_are_saved_however_often_each_is_sent_at_once(
    world: World,
) -> None:
    """A phone back from a holiday sends in parallel and repeats what takes long."""
    count = 24
    world.quota = count
    photos = [images.read(encoded(noise(16, 12, seed=seed))) for seed in range(count)]
    with ThreadPoolExecutor(12) as pool:
        saves = [pool.submit(world.saver().save, photo, KEA, ANA) for photo in photos * 2]
    assert [save.exception() for save in saves] == [None] * len(saves)
    assert sum(save.result().created for save in saves) == count
    assert world.store.used("ana", "saves")[1] == count
    with pytest.raises(TooManyRequests):
        world.saver().save(PHOTO, KEA, ANA)
