"""One stored photo: events once or often, in any order."""

import dataclasses
from typing import Any

import pytest
from PIL import Image

from parrot.observation import Status
from parrot.photo import images
from parrot.process import Outcome
from tests.support.photos import encoded, noise, opened
from tests.support.processing import KEA, OTHER, PHOTO, Steps, World


def test_a_saved_photo_becomes_ready_with_everything_derived(world: World) -> None:
    """The happy path."""
    data = encoded(noise(1200, 900, seed=1), quality=60)
    stored = world.save(data)
    assert world.processor().process(stored) is Outcome.READY
    done = world.observation(stored)
    assert done.status is Status.READY
    assert done.generation == str(stored.generation)
    assert (done.width, done.height, done.media_type) == (1200, 900, "image/jpeg")
    assert done.verdict is not None
    assert (done.verdict.species, done.verdict.model) == (KEA.id, "ParrotClassifier/1")
    assert done.derived is not None
    assert (done.derived.width, done.derived.height) == (1024, 768)
    assert (len(done.derived.phash), len(done.derived.blurhash)) == (16, 28)
    assert done.sha256 == images.read(data).sha256
    assert (done.reason, done.attempts, done.lease) == (None, None, None)
    for name, size in ((done.derived.image, (1024, 768)), (done.derived.thumbnail, (256, 192))):
        with opened(world.photos.objects[name][1]) as image:
            assert (image.format, image.size) == ("WEBP", size)
    assert world.files() == [done.derived.image, done.derived.thumbnail, stored.name]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (PHOTO[:-200], "damaged"),
        (b"GIF89a" + bytes(50), "GIF is not supported"),
        (b"", "empty"),
        (encoded(Image.new("1", (9000, 9000)), "PNG"), "pixels"),
    ],
)
def test_what_can_never_succeed_is_rejected_with_its_reason(
    world: World, data: bytes, reason: str
) -> None:
    """If it were raised, it would be retried for a day."""
    stored = world.save(data)
    assert world.processor().process(stored) is Outcome.REJECTED
    done = world.observation(stored)
    assert done.status is Status.REJECTED
    assert reason in (done.reason or "")
    assert done.derived is None
    assert world.files() == [stored.name]
    assert world.processor().process(stored) is Outcome.DONE_BEFORE


@pytest.mark.parametrize(
    ("stated", "reason"),
    [({"size": 2**40}, "over the limit"), ({"encoding": "gzip"}, "Content-Encoding gzip")],
    ids=["a terabyte", "compressed"],
)
def test_what_would_not_fit_the_memory_is_rejected_unread(
    world: World, stated: dict[str, Any], reason: str
) -> None:
    """20 MB of gzip unpack to 20 GB; no phone compresses a JPEG once more."""
    stored = world.upload(PHOTO, "photos/ana/huge", **stated)
    steps = Steps()
    assert world.processor(steps).process(stored) is Outcome.REJECTED
    assert "describe" in steps.names
    assert "read_generation" not in steps.names
    assert reason in (world.observation(stored).reason or "")


def test_of_two_generations_the_newer_counts_in_any_order(world: World) -> None:
    """Overwrites send events too, and events overtake each other."""
    old = world.save(PHOTO)
    new = world.upload(OTHER, old.name)
    assert world.processor().process(old) is Outcome.GONE
    assert world.processor().process(new) is Outcome.READY
    assert world.processor().process(old) is Outcome.DONE_BEFORE
    assert (world.observation(new).width, world.observation(new).height) == (64, 48)


def test_a_rejected_photo_that_is_replaced_gets_another_chance(world: World) -> None:
    """And the other way round, no thumbnail of the photo before stays."""
    bad = world.save(PHOTO[:100])
    assert world.processor().process(bad) is Outcome.REJECTED
    good = world.upload(PHOTO, bad.name)
    assert world.processor().process(good) is Outcome.READY
    assert world.observation(good).reason is None
    bad_again = world.upload(b"<html>", bad.name)
    assert world.processor().process(bad_again) is Outcome.REJECTED
    done = world.observation(bad_again)
    assert (done.verdict, done.derived) == (None, None)
    assert world.files() == [bad.name]


def test_another_bucket_is_ignored(world: World) -> None:
    """A trigger on the wrong bucket must not touch anybody's observations."""
    stored = dataclasses.replace(world.save(PHOTO), bucket="another")
    assert world.processor().process(stored) is Outcome.IGNORED
    assert world.observation(stored).status is Status.PENDING
