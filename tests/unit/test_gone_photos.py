"""An original that is deleted in the bucket takes its observation along, and nothing else."""

import contextlib
from datetime import timedelta
from pathlib import Path

import pytest

from parrot.errors import Conflict, StoreUnavailable
from parrot.events import DELETED, deleted_photo, stored_photo
from parrot.observation import Status, StoredPhoto
from parrot.photo import images
from parrot.process import Outcome
from parrot.quota import User
from tests.support.events import event
from tests.support.photos import encoded, noise
from tests.support.processing import KEA, Killed, Steps, World, at_every_step

DATA = encoded(noise(80, 60, seed=1))
PHOTO = images.read(DATA)
ANA = User("ana")


def finished(world: World) -> StoredPhoto:
    """A photo that was saved and processed."""
    saved = world.saver().save(PHOTO, KEA, ANA).observation
    stored = world.upload_event(saved.object_name)
    assert world.processor().process(stored) is Outcome.READY
    return stored


def test_what_the_event_says_is_checked_against_the_bucket(world: World) -> None:
    """An event may be forged, late, or about a photo that was overwritten."""
    stored = finished(world)
    assert not world.observations().follow(stored)
    newer = world.upload(encoded(noise(seed=2)), stored.name)
    assert not world.observations().follow(stored)
    world.photos.delete(stored.name)
    assert not world.observations().follow(newer)  # never processed: the sweep gives it up
    assert world.observation(stored).status is Status.READY


def test_a_photo_that_is_deleted_while_it_is_processed_goes_too(world: World) -> None:
    """Its event came before the observation was finished, and was forgotten."""
    stored = world.save(DATA)

    class Interrupted(Steps):
        def taken(self, name: str) -> None:
            if name == "classify":
                world.photos.delete(stored.name)
                with pytest.raises(StoreUnavailable):
                    world.observations().follow(stored)

    assert world.processor(Interrupted()).process(stored) is Outcome.READY
    assert world.observations().follow(stored)
    assert world.files() == []
    assert not world.observations().follow(stored)  # delivered twice


def test_a_save_in_progress_and_a_reason_stay(world: World) -> None:
    """A pending photo may be on its way; a rejected one says why its photo was removed."""
    pending = world.save(DATA)
    world.photos.delete(pending.name)
    assert not world.observations().follow(pending)
    assert world.observation(pending).status is Status.PENDING
    rejected = world.upload(b"<html>", "photos/ana/x")
    assert world.processor().process(rejected) is Outcome.REJECTED
    world.photos.delete(rejected.name)
    assert not world.observations().follow(rejected)
    assert world.observation(rejected).status is Status.REJECTED


@pytest.mark.parametrize("accident", ["killed", "saved", "uploaded", "processed"])
def test_whatever_happens_after_any_step_no_acknowledged_photo_is_lost(
    tmp_path: Path, accident: str
) -> None:
    """A save, a direct upload, the end of the instance: the event comes again, the sweep too."""

    def story(world: World, steps: Steps) -> None:
        stored = finished(world)
        world.photos.delete(stored.name)
        acknowledged = False

        def disturb() -> None:
            nonlocal acknowledged
            if accident == "killed":
                raise Killed
            if accident == "uploaded":
                world.upload(DATA, stored.name)
            elif accident == "processed":
                world.processor().process(world.upload(DATA, stored.name))
            else:
                with contextlib.suppress(Conflict):
                    world.saver().save(PHOTO, KEA, ANA)
                    acknowledged = True

        steps.then = disturb
        with contextlib.suppress(Killed, StoreUnavailable):
            world.observations(steps).follow(stored)
        with contextlib.suppress(StoreUnavailable):
            world.observations().follow(stored)
        kept = world.store.get("ana", stored.id)
        if acknowledged or (kept is not None and accident != "killed"):
            assert kept is not None, steps.at
            assert kept.status in {Status.PENDING, Status.READY}, steps.at
            assert world.photos.generation(stored.name) is not None, steps.at
        elif kept is not None:
            assert kept.status is Status.DELETING, steps.at  # the sweep finishes it

    at_every_step(tmp_path, story)


def test_a_save_overtaken_by_the_event_after_any_step_is_kept_or_refused(tmp_path: Path) -> None:
    """The other way round: never acknowledged and then gone."""

    def story(world: World, steps: Steps) -> None:
        stored = finished(world)
        world.photos.delete(stored.name)
        world.now += timedelta(minutes=2)

        def follow() -> None:
            with contextlib.suppress(StoreUnavailable):
                world.observations().follow(stored)

        steps.then = follow
        with contextlib.suppress(Conflict):
            world.saver(steps).save(PHOTO, KEA, ANA)
            follow()
            assert world.store.get("ana", stored.id) is not None, steps.at
            assert world.photos.generation(stored.name) is not None, steps.at

    at_every_step(tmp_path, story)


def test_events_of_deleted_photos_are_told_from_others() -> None:
    """Archived versions and changed metadata mean nothing here."""
    deleted = event(kind=DELETED)
    assert deleted_photo(deleted) == stored_photo(event())
    assert stored_photo(deleted) is None
    assert deleted_photo(event()) is None
    assert deleted_photo(event(kind=DELETED, name="derived/ana/a/image.webp")) is None
