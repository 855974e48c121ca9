"""Near-duplicates of one user name the oldest, whatever is processed or deleted meanwhile."""

import contextlib
import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from parrot import duplicates
from parrot.errors import NotFound
from parrot.observation import Status
from parrot.quota import User
from tests.support.observations import processed
from tests.support.photos import encoded
from tests.support.processing import (
    NOW,
    OTHER,
    Counted,
    Killed,
    Steps,
    World,
    at_every_step,
    die,
)

LATER = NOW.replace(hour=13)
# Of large areas, as photos are: it survives being compressed.
AREAS = np.random.default_rng(5).integers(0, 256, (12, 16, 3), np.uint8)
PICTURE = Image.fromarray(AREAS).resize((128, 96), Image.Resampling.NEAREST)
DATA = encoded(PICTURE)


@pytest.mark.parametrize("first", [0, 1, 2])
def test_near_duplicates_name_the_oldest_whatever_came_first(world: World, first: int) -> None:
    """One picture in three qualities, processed in any order."""
    events = [
        world.save(encoded(PICTURE, quality=quality), name)
        for name, quality in ((1, 95), (2, 60), (3, 40))
    ]
    other = world.save(OTHER, 4)
    theirs = world.save(DATA, 5, uid="bea")
    for stored in [*events[first:], *events[:first], other, theirs]:
        world.processor().process(stored)
    assert [world.observation(stored).duplicate_of for stored in events] == [
        None,
        events[0].id,
        events[0].id,
    ]
    assert world.observation(other).duplicate_of is None
    assert world.observation(theirs).duplicate_of is None


@pytest.mark.parametrize("first", [0, 1])
def test_near_duplicates_processed_at_once_are_still_marked(tmp_path: Path, first: int) -> None:
    """Two instances, each in the middle of its own: at every step of the one, all of the other."""

    def story(world: World, steps: Steps) -> None:
        events = [world.save(DATA, 1), world.save(DATA, 2)]
        steps.then = lambda: world.processor().process(events[1 - first])
        world.processor(steps).process(events[first])
        if steps.at:
            marks = [world.observation(stored).duplicate_of for stored in events]
            assert marks == [None, events[0].id], steps.at
            assert all(world.observation(stored).status is Status.READY for stored in events)

    at_every_step(tmp_path, story)


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


def test_a_wrong_name_is_corrected_when_the_photo_that_it_names_is_processed(world: World) -> None:
    """An earlier version left circles of two, neither of which would be used for training."""
    old = world.save(DATA, 2)
    world.processor().process(old)
    young = world.save(DATA, 3)
    world.store.replace(dataclasses.replace(world.observation(old), duplicate_of=young.id))
    world.processor().process(young)
    assert world.observation(old).duplicate_of is None
    assert world.observation(young).duplicate_of == old.id


@pytest.mark.parametrize("dies", [None, 0, 1], ids=["lives", "dies", "dies-later"])
@pytest.mark.parametrize("victim", [0, 1])
@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("last", [0, 1, 2])
def test_no_duplicate_names_a_twin_deleted_in_the_middle_of_any_step(
    tmp_path: Path, victim: int, last: int, *, dies: int | None, again: bool
) -> None:
    """Of three, processed in any order; also if it is saved again at once."""

    def story(world: World, steps: Steps) -> None:
        at = steps.at
        events = [world.save(DATA, name) for name in (1, 2, 3)]
        queue = [*events[:last], *events[last + 1 :], events[last]]
        for stored in queue[:-1]:
            world.processor().process(stored)

        def delete() -> None:
            world.observations().delete(User("ana"), events[victim].id)
            if again:
                queue.append(world.save(DATA, victim + 1, created=LATER))
            if dies == 0:
                raise Killed
            if dies is not None:
                steps.at, steps.then = at + dies, die

        steps.then = delete
        try:
            world.processor(steps).process(events[last])
        except Killed:
            world.processor().process(events[last])
        world.processor().process(queue[-1])  # what was saved again
        assert sound(world), at
        left = list(world.store.everything())
        assert len(left) == (2 if at and not again else 3)
        assert sum(observation.duplicate_of is None for observation in left) == 1, at

    at_every_step(tmp_path, story)


@pytest.mark.parametrize("processing", [False, True])
def test_a_deletion_killed_among_the_twins_is_completed_by_the_next(
    tmp_path: Path, *, processing: bool
) -> None:
    """Also with a younger twin processed just then."""

    def story(world: World, steps: Steps) -> None:
        events = [world.save(DATA, name) for name in (1, 2, 3)]
        for stored in events[: 2 if processing else 3]:
            world.processor().process(stored)

        def disturb() -> None:
            if processing:
                world.processor().process(events[2])
            raise Killed

        steps.then = disturb
        with contextlib.suppress(Killed):
            world.observations(steps).delete(User("ana"), events[0].id)
        with contextlib.suppress(NotFound):
            world.observations().delete(User("ana"), events[0].id)
        if steps.at == 0 and processing:
            world.processor().process(events[2])
        assert [world.observation(stored).duplicate_of for stored in events[1:]] == [
            None,
            events[1].id,
        ]

    at_every_step(tmp_path, story)


@pytest.mark.parametrize("distinct", [False, True], ids=["the-same-hash", "200-hashes"])
def test_a_deletion_looks_its_twins_up_together(world: World, *, distinct: bool) -> None:
    """Twice, before and after the names are written, which happens at once."""
    store, phash = world.store, 0x0123456789ABCDEF
    original = dataclasses.replace(processed(200, f"{phash:016x}"), created=NOW.replace(hour=1))
    store.create(original)
    for number in range(200):
        first, second = divmod(number, 63)  # two bits of 64, another pair for each
        flipped = 1 << first | 1 << second + 1 if distinct else 0
        twin = processed(number, f"{phash ^ flipped:016x}")
        store.create(dataclasses.replace(twin, duplicate_of=original.id))
    store.replace(dataclasses.replace(original, status=Status.DELETING))

    steps = Steps()
    duplicates.release(Counted(store, steps), "ana", original.id, now=lambda: NOW)

    calls = Counter(steps.names)
    assert calls.pop("duplicates_of") == 1
    assert calls.pop("similar") == 2
    assert calls == {"replace_all": 1}
    names = {observation.duplicate_of for observation in store.everything()}
    assert original.id not in names
    assert None in names
