"""Photos that phones upload by themselves, with the Firebase SDK: what they become, or why not."""

import contextlib
from pathlib import Path

import pytest

from parrot.consent import Consent
from parrot.observation import Label, Status
from parrot.process import Outcome
from parrot.quota import User
from tests.support.photos import encoded, noise
from tests.support.processing import (
    KEA,
    NOW,
    OTHER,
    PHOTO,
    Killed,
    Steps,
    World,
    at_every_step,
    die,
    uuid_of,
)


def test_a_direct_upload_becomes_an_observation(world: World) -> None:
    """Phones with the Firebase SDK upload by themselves, with a label or without."""
    named = world.upload(PHOTO, "photos/ana/bird.jpg", species=KEA.id, training=True)
    plain_upload = world.upload(OTHER, f"photos/ana/{uuid_of(7)}")
    dodo = world.upload(encoded(noise(seed=3)), "photos/ana/dodo", species="dodo")
    for stored in (named, plain_upload, dodo):
        assert world.processor().process(stored) is Outcome.READY
        assert world.processor().process(stored) is Outcome.DONE_BEFORE
    observation = world.observation(named)
    assert observation.labels == (Label(KEA.id, KEA.index, NOW),)
    assert observation.consent == Consent(given=True, at=NOW)
    assert world.observation(plain_upload).consent is None
    assert (observation.object_name, observation.created, len(observation.sha256)) == (
        named.name,
        NOW,
        64,
    )
    assert world.observation(plain_upload).id == uuid_of(7)
    assert world.observation(plain_upload).labels == world.observation(dodo).labels == ()


def test_an_object_that_only_takes_an_observations_id_is_ignored(world: World) -> None:
    """A name made to collide must not replace the photo of another object."""
    stored = world.upload(PHOTO, "photos/ana/bird.jpg")
    world.processor().process(stored)
    thief = world.upload(OTHER, f"photos/ana/{stored.id}")
    assert world.processor().process(thief) is Outcome.IGNORED
    assert world.observation(stored).object_name == "photos/ana/bird.jpg"
    assert thief.name not in world.files()  # nobody could ever see or delete it


def test_a_deletion_takes_an_object_that_took_the_observations_id(world: World) -> None:
    """Its event may come late or never."""
    stored = world.upload(PHOTO, "photos/ana/bird.jpg")
    world.processor().process(stored)
    world.upload(OTHER, f"photos/ana/{stored.id}")
    world.observations().delete(User("ana"), stored.id)
    assert world.files() == []


def test_a_direct_upload_over_the_quota_is_rejected_and_removed(tmp_path: Path) -> None:
    """The same quota as for `save`; the person sees why."""
    world = World(tmp_path, quota=1)
    first = world.upload(PHOTO, "photos/ana/first")
    second = world.upload(OTHER, "photos/ana/second")
    assert world.processor().process(first) is Outcome.READY
    assert world.processor().process(second) is Outcome.REJECTED
    assert "quota of 1 saves" in (world.observation(second).reason or "")
    assert second.name not in world.files()
    assert world.processor().process(second) is Outcome.DONE_BEFORE
    again = world.upload(OTHER, second.name)  # its name is free again: no way past the quota
    assert world.processor().process(again) is Outcome.REJECTED
    assert again.name not in world.files()
    theirs = world.upload(OTHER, "photos/bea/x")
    assert world.processor().process(theirs) is Outcome.READY


def test_a_kill_at_the_quota_leaves_no_photo_in_the_list_that_is_not_rejected(
    tmp_path: Path,
) -> None:
    """Whether the photo itself is gone yet or not."""

    def story(world: World, steps: Steps) -> None:
        assert world.processor().process(world.upload(PHOTO, "photos/ana/x")) is Outcome.READY
        stored = world.upload(OTHER, "photos/ana/y")
        steps.then = die
        with contextlib.suppress(Killed):
            world.processor(steps).process(stored)
        world.processor().process(stored)
        assert world.observation(stored).status is Status.REJECTED, steps.at

    at_every_step(tmp_path, story, quota=1)


def test_a_photo_is_what_its_bytes_are_however_it_was_named(world: World) -> None:
    """Apps write other spellings, or take HEIC for JPEG; the clean copy is a WebP all the same."""
    stored = world.upload(PHOTO, "photos/ana/x", content_type="image/heif")
    assert world.processor().process(stored) is Outcome.READY
    done = world.observation(stored)
    assert done.media_type == "image/jpeg"
    assert done.derived is not None
    assert world.photos.objects[done.derived.image][1].startswith(b"RIFF")


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        ("image/jpg", "image/jpeg"),
        ("Image/HEIF ", "image/heic"),
        ("image/x-png; a=b", "image/png"),
        ("text/html", "application/octet-stream"),
    ],
)
def test_until_it_is_read_a_photo_has_the_type_that_was_meant(
    world: World, stated: str, kept: str
) -> None:
    """The list shows it, pending or rejected; an uploader's own would be a download's type."""
    stored = world.upload(b"<html>", "photos/ana/x", content_type=stated)
    assert world.processor().process(stored) is Outcome.REJECTED
    done = world.observation(stored)
    assert done.media_type == kept
    assert "not a supported image" in (done.reason or "")
