"""One stored photo: events once or often, in any order, with people and accidents in between."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from parrot.consent import Consent
from parrot.errors import BadModelResponse, ModelUnavailable, NotFound
from parrot.observation import Label, Status
from parrot.observations import Observations
from parrot.photo import images
from parrot.process import Outcome
from parrot.quota import User
from tests.support import heifs
from tests.support.photos import encoded, noise
from tests.support.processing import (
    GALAH,
    KEA,
    NOW,
    Counted,
    Killed,
    SameAnswer,
    Steps,
    World,
    uuid_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from parrot.observation import Observation
    from parrot.records import Bytes

pytestmark = pytest.mark.usefixtures("remember_thumbnails")

PHOTO = encoded(noise(80, 60, seed=1))
LARGE = encoded(noise(1200, 900, seed=1), quality=60)
OTHER = encoded(noise(seed=2))
LATER = NOW.replace(hour=13)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def plain(observation: Observation) -> Observation:
    """Without the number of changes, which may differ."""
    return dataclasses.replace(observation, revision=0)


def die() -> None:
    raise Killed


def test_a_saved_photo_becomes_ready_with_everything_derived(world: World) -> None:
    """The happy path."""
    stored = world.save(LARGE)
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
    assert (done.sha256, done.reason, done.attempts) == (images.read(LARGE).sha256, None, None)
    for name, size in ((done.derived.image, (1024, 768)), (done.derived.thumbnail, (256, 192))):
        with Image.open(io.BytesIO(world.photos.objects[name][1])) as image:
            assert (image.format, image.size) == ("WEBP", size)
    assert world.files() == [done.derived.image, done.derived.thumbnail, stored.name]


@pytest.mark.parametrize(
    ("named", "status"),
    [(KEA.id, Status.READY), (GALAH.id, Status.NEEDS_REVIEW), (None, Status.NEEDS_REVIEW)],
)
def test_a_model_that_disagrees_asks_for_a_review(
    world: World, named: str | None, status: Status
) -> None:
    """Both must agree before a photo is training data, or a person looks again."""
    world.model = SameAnswer(named)
    stored = world.save(PHOTO)
    assert world.processor().process(stored) == status.value
    assert world.observation(stored).status is status


def test_the_same_event_again_changes_nothing(world: World) -> None:
    """Delivery is at least once."""
    stored = world.save(PHOTO)
    world.processor().process(stored)
    before, objects = world.observation(stored), dict(world.photos.objects)
    assert world.processor().process(stored) is Outcome.DONE_BEFORE
    assert world.observation(stored) == before
    assert world.photos.objects == objects


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (PHOTO[:-200], "damaged"),
        (heifs.tiled(noise(300, 200))[:-1], "damaged"),
        (b"GIF89a" + bytes(50), "GIF is not supported"),
        (b"<html>", "not a supported image"),
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


def test_a_huge_object_is_rejected_without_reading_it(world: World) -> None:
    """A terabyte does not fit into an instance with 512 MB."""
    stored = world.upload(PHOTO, "photos/ana/huge", size=2**40)
    steps = Steps()
    assert world.processor(steps).process(stored) is Outcome.REJECTED
    assert "describe" in steps.names
    assert "read_generation" not in steps.names
    assert "over the limit" in (world.observation(stored).reason or "")


@pytest.mark.parametrize(
    "error",
    [ModelUnavailable("away"), BadModelResponse("nonsense"), MemoryError(), ValueError("our own")],
    ids=lambda error: type(error).__name__,
)
def test_what_may_succeed_later_is_raised_and_then_succeeds(world: World, error: Exception) -> None:
    """The trigger tries again until the model is deployed, or our own mistake is fixed."""
    stored = world.save(PHOTO)
    world.model.error = error
    with pytest.raises(type(error)):
        world.processor().process(stored)
    assert world.observation(stored).status is Status.PENDING
    world.model.error = None
    assert world.processor().process(stored) is Outcome.READY


def test_a_photo_that_is_gone_is_acknowledged(world: World) -> None:
    """The event is older than the deletion."""
    stored = world.upload(PHOTO, "photos/ana/bird.jpg")
    world.photos.delete(stored.name)
    assert world.processor().process(stored) is Outcome.GONE
    assert world.store.get("ana", stored.id) is None


def test_of_two_generations_the_newer_counts_in_any_order(world: World) -> None:
    """Overwrites send events too, and events overtake each other."""
    old = world.save(PHOTO)
    new = world.upload(OTHER, old.name)
    assert world.processor().process(old) is Outcome.GONE
    assert world.processor().process(new) is Outcome.READY
    assert world.processor().process(old) is Outcome.DONE_BEFORE
    assert (world.observation(new).width, world.observation(new).height) == (64, 48)


def test_a_newer_generation_in_the_middle_of_any_step_counts(tmp_path: Path) -> None:
    """Nothing about the older photo may remain on the observation."""

    def run(folder: Path, at: int) -> int:
        folder.mkdir()
        world = World(folder)
        old = world.save(PHOTO)

        def overtake() -> None:
            new = world.upload(OTHER, old.name)
            assert world.processor().process(new) is Outcome.READY

        steps = Steps(at, overtake)
        world.processor(steps).process(old)
        assert world.observation(old).width == (64 if at else 80), at
        return steps.count

    for at in range(1, run(tmp_path / "undisturbed", 0) + 1):
        run(tmp_path / str(at), at)


def test_a_rejected_photo_that_is_replaced_gets_another_chance(world: World) -> None:
    """And the other way round, no thumbnail of the photo before stays."""
    bad = world.save(PHOTO[:100])
    assert world.processor().process(bad) is Outcome.REJECTED
    good = world.upload(PHOTO, bad.name)
    assert world.processor().process(good) is Outcome.READY
    assert world.observation(good).reason is None
    bad_again = world.upload(b"<html>", bad.name)
    assert world.processor().process(bad_again) is Outcome.REJECTED
    assert world.files() == [bad.name]


def test_another_bucket_is_ignored(world: World) -> None:
    """A trigger on the wrong bucket must not touch anybody's observations."""
    stored = dataclasses.replace(world.save(PHOTO), bucket="another")
    assert world.processor().process(stored) is Outcome.IGNORED
    assert world.observation(stored).status is Status.PENDING


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


def test_a_damaged_direct_upload_becomes_a_rejected_observation(world: World) -> None:
    """So that the person sees that this photo did not arrive."""
    stored = world.upload(PHOTO[:-100], "photos/ana/half.jpg")
    assert world.processor().process(stored) is Outcome.REJECTED
    assert world.observation(stored).reason


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
    Observations(world.store, world.photos).delete(User("ana"), stored.id)
    assert world.files() == []


@pytest.mark.parametrize("first", [0, 1, 2])
def test_near_duplicates_name_the_oldest_whatever_came_first(world: World, first: int) -> None:
    """One picture in three qualities, processed in any order."""
    picture = Image.fromarray(_smooth())
    events = [
        world.save(encoded(picture, quality=quality), name)
        for name, quality in ((1, 95), (2, 60), (3, 40))
    ]
    other = world.save(OTHER, 4)
    theirs = world.save(encoded(picture), 5, uid="bea")
    for stored in [*events[first:], *events[:first], other, theirs]:
        world.processor().process(stored)
    assert [world.observation(stored).duplicate_of for stored in events] == [
        None,
        events[0].id,
        events[0].id,
    ]
    assert world.observation(other).duplicate_of is None
    assert world.observation(theirs).duplicate_of is None


def test_near_duplicates_processed_at_once_are_still_marked(tmp_path: Path) -> None:
    """Two instances, each in the middle of its own: at every step of the one, all of the other."""
    data = encoded(Image.fromarray(_smooth()))

    def run(folder: Path, first: int, at: int) -> int:
        folder.mkdir()
        world = World(folder)
        events = [world.save(data, 1), world.save(data, 2)]
        steps = Steps(at, lambda: world.processor().process(events[1 - first]))
        world.processor(steps).process(events[first])
        if at:
            marks = [world.observation(stored).duplicate_of for stored in events]
            assert marks == [None, events[0].id], (first, at)
            assert all(world.observation(stored).status is Status.READY for stored in events)
        return steps.count

    for first in (0, 1):
        for at in range(1, run(tmp_path / f"{first}", first, 0) + 1):
            run(tmp_path / f"{first}-{at}", first, at)


def sound(world: World) -> bool:
    """Whether each `duplicate_of` names an existing older observation of its user."""
    places = {
        (observation.uid, observation.id): observation.place
        for observation in world.store.everything()
    }
    return all(
        places.get((observation.uid, observation.duplicate_of), observation.place)
        < observation.place
        for observation in world.store.everything()
        if observation.duplicate_of is not None
    )


def test_twins_of_a_deleted_observation_name_the_next_oldest(world: World) -> None:
    """And saved again, it is the youngest of them."""
    data = encoded(Image.fromarray(_smooth()))
    events = [world.save(data, name) for name in (1, 2, 3)]
    for stored in events:
        world.processor().process(stored)
    Observations(world.store, world.photos).delete(User("ana"), events[0].id)
    assert [world.observation(stored).duplicate_of for stored in events[1:]] == [None, events[1].id]
    again = world.save(data, 1, created=LATER)
    world.processor().process(again)
    assert [world.observation(stored).duplicate_of for stored in events] == [
        events[1].id,
        None,
        events[1].id,
    ]


def test_a_wrong_name_is_corrected_when_the_photo_that_it_names_is_processed(world: World) -> None:
    """An earlier version left circles of two, neither of which would be used for training."""
    data = encoded(Image.fromarray(_smooth()))
    old = world.save(data, 2)
    world.processor().process(old)
    young = world.save(data, 3)
    world.store.replace(dataclasses.replace(world.observation(old), duplicate_of=young.id))
    world.processor().process(young)
    assert world.observation(old).duplicate_of is None
    assert world.observation(young).duplicate_of == old.id


@pytest.mark.parametrize("dies", [None, 0, 1], ids=["lives", "dies", "dies-later"])
@pytest.mark.parametrize("victim", [0, 1])
@pytest.mark.parametrize("again", [False, True])
def test_no_duplicate_names_a_twin_deleted_in_the_middle_of_any_step(
    tmp_path: Path, victim: int, *, dies: int | None, again: bool
) -> None:
    """Of three, processed in any order; also if it is saved again at once."""
    data = encoded(Image.fromarray(_smooth()))

    def run(folder: Path, last: int, at: int) -> int:
        folder.mkdir()
        world = World(folder)
        events = [world.save(data, name) for name in (1, 2, 3)]
        queue = [*events[:last], *events[last + 1 :], events[last]]
        for stored in queue[:-1]:
            world.processor().process(stored)

        def delete() -> None:
            Observations(world.store, world.photos).delete(User("ana"), events[victim].id)
            if again:
                queue.append(world.save(data, victim + 1, created=LATER))
            if dies == 0:
                raise Killed
            if dies is not None:
                steps.at, steps.then = at + dies, die

        steps = Steps(at, delete)
        try:
            world.processor(steps).process(events[last])
        except Killed:
            world.processor().process(events[last])
        world.processor().process(queue[-1])  # what was saved again
        assert sound(world), (last, at)
        left = list(world.store.everything())
        assert len(left) == (2 if at and not again else 3)
        assert sum(observation.duplicate_of is None for observation in left) == 1, (last, at)
        return steps.count

    for last in (0, 1, 2):
        for at in range(1, run(tmp_path / f"{last}", last, 0) + 1):
            run(tmp_path / f"{last}-{at}", last, at)


@pytest.mark.parametrize("processing", [False, True])
def test_a_deletion_killed_among_the_twins_is_completed_by_the_next(
    tmp_path: Path, *, processing: bool
) -> None:
    """Also with a younger twin processed just then."""
    data = encoded(Image.fromarray(_smooth()))

    def run(folder: Path, at: int) -> int:
        folder.mkdir()
        world = World(folder)
        events = [world.save(data, name) for name in (1, 2, 3)]
        for stored in events[: 2 if processing else 3]:
            world.processor().process(stored)

        def disturb() -> None:
            if processing:
                world.processor().process(events[2])
            raise Killed

        steps = Steps(at, disturb)
        observations = Observations(Counted(world.store, steps), Counted(world.photos, steps))
        with contextlib.suppress(Killed):
            observations.delete(User("ana"), events[0].id)
        with contextlib.suppress(NotFound):
            Observations(world.store, world.photos).delete(User("ana"), events[0].id)
        if at == 0 and processing:
            world.processor().process(events[2])
        assert [world.observation(stored).duplicate_of for stored in events[1:]] == [
            None,
            events[1].id,
        ]
        return steps.count

    for at in range(1, run(tmp_path / "undisturbed", 0) + 1):
        run(tmp_path / str(at), at)


@pytest.mark.parametrize("direct", [False, True])
def test_a_kill_after_any_step_is_repaired_by_the_next_delivery(
    tmp_path: Path, *, direct: bool
) -> None:
    """The end is the same as without the accident, for good photos and bad ones."""

    def run(folder: Path, data: bytes, at: int) -> tuple[int, Observation, list[str]]:
        folder.mkdir()
        world = World(folder)
        stored = world.upload(data, "photos/ana/x") if direct else world.save(data)
        steps = Steps(at, die)
        try:
            world.processor(steps).process(stored)
        except Killed:
            world.processor().process(stored)
        assert world.processor().process(stored) is Outcome.DONE_BEFORE
        return steps.count, plain(world.observation(stored)), world.files()

    for name, data in (("good", PHOTO), ("bad", PHOTO[:-200])):
        count, expected, files = run(tmp_path / name, data, 0)
        for at in range(1, count + 1):
            again = run(tmp_path / f"{name}-{at}", data, at)[1:]
            assert (again[0].status, again[1]) == (expected.status, files)
            assert dataclasses.replace(again[0], generation=None) == dataclasses.replace(
                expected, generation=None
            )


@pytest.mark.parametrize("data", [PHOTO, PHOTO[:-200]], ids=["good", "bad"])
def test_another_delivery_in_the_middle_of_any_step_changes_nothing(
    tmp_path: Path, data: bytes
) -> None:
    """Two instances work on one photo."""

    def run(folder: Path, at: int) -> tuple[int, Observation, list[str]]:
        folder.mkdir()
        world = World(folder)
        stored = world.save(data)
        steps = Steps(at, lambda: world.processor().process(stored))
        world.processor(steps).process(stored)
        return steps.count, plain(world.observation(stored)), world.files()

    count, expected, files = run(tmp_path / "undisturbed", 0)
    for at in range(1, count + 1):
        assert run(tmp_path / str(at), at)[1:] == (expected, files), at


def test_a_relabel_in_the_middle_of_any_step_counts(tmp_path: Path) -> None:
    """The person's last choice counts, and the review is about it."""

    def run(folder: Path, at: int) -> int:
        folder.mkdir()
        world = World(folder)
        stored = world.save(PHOTO)
        observations = Observations(world.store, world.photos)
        steps = Steps(at, lambda: observations.change(User("ana"), stored.id, GALAH))
        world.processor(steps).process(stored)
        done = world.observation(stored)
        if at:
            assert [label.species for label in done.labels] == [KEA.id, GALAH.id], at
            assert done.status is Status.NEEDS_REVIEW, at
        return steps.count

    for at in range(1, run(tmp_path / "undisturbed", 0) + 1):
        run(tmp_path / str(at), at)


@pytest.mark.parametrize("data", [PHOTO, PHOTO[:-200]], ids=["good", "bad"])
@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("dies", [False, True], ids=["lives", "dies"])
def test_a_deletion_in_the_middle_of_any_step_leaves_nothing(
    tmp_path: Path, data: bytes, *, direct: bool, dies: bool
) -> None:
    """No observation comes back, no thumbnail stays; also if the function dies just then."""

    def run(folder: Path, at: int) -> int:
        folder.mkdir()
        world = World(folder)
        stored = world.upload(data, "photos/ana/x") if direct else world.save(data)

        def delete() -> None:
            if world.store.get("ana", stored.id) is None:
                world.photos.delete(stored.name)  # there is no observation yet
            else:
                Observations(world.store, world.photos).delete(User("ana"), stored.id)
            if dies:
                raise Killed

        steps = Steps(at, delete)
        try:
            world.processor(steps).process(stored)
        except Killed:
            world.processor().process(stored)
        if at:
            assert world.files() == [], at
            assert world.store.get("ana", stored.id) is None, at
        return steps.count

    for at in range(1, run(tmp_path / "undisturbed", 0) + 1):
        run(tmp_path / str(at), at)


def test_an_event_after_the_deletion_brings_nothing_back(world: World) -> None:
    """The last redelivery may come a day later."""
    for stored in (world.save(PHOTO), world.upload(OTHER, "photos/ana/direct")):
        world.processor().process(stored)
        Observations(world.store, world.photos).delete(User("ana"), stored.id)
        assert world.processor().process(stored) is Outcome.GONE
        assert world.store.get("ana", stored.id) is None
    assert world.files() == []


def test_a_deletion_that_is_under_way_is_not_disturbed(world: World) -> None:
    """Interrupted after its mark, it still finds everything to remove when it is repeated."""
    stored = world.save(PHOTO)
    world.store.replace(dataclasses.replace(world.observation(stored), status=Status.DELETING))
    assert world.processor().process(stored) is Outcome.GONE
    assert world.observation(stored).status is Status.DELETING
    assert world.files() == [stored.name]
    Observations(world.store, world.photos).delete(User("ana"), stored.id)
    assert world.files() == []


def _smooth() -> Bytes:
    """A picture of large areas, as photos are: it survives being compressed."""
    areas = np.random.default_rng(5).integers(0, 256, (12, 16, 3), np.uint8)
    return areas.repeat(8, axis=0).repeat(8, axis=1)
