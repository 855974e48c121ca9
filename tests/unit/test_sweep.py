"""Nothing stays pending: lost events, photos that never came, deletions that were interrupted."""

import contextlib
import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest

from parrot.observation import Status
from parrot.photo import images
from parrot.process import Outcome
from parrot.quota import User
from parrot.sweep import NEVER_ARRIVED, Swept
from tests.support.photos import encoded, noise
from tests.support.processing import (
    KEA,
    MOST_ATTEMPTS,
    NOW,
    Killed,
    Steps,
    World,
    at_every_step,
    die,
)

DATA = encoded(noise(80, 60, seed=1))
PHOTO = images.read(DATA)
ANA = User("ana")
LATER = timedelta(minutes=11)


def swept_later(world: World) -> Swept:
    """What a sweep does once all that there is is old enough for it."""
    world.now += LATER
    return world.sweeper().sweep()


def test_a_photo_whose_event_was_lost_is_processed(world: World) -> None:
    """Once it is old enough: before that, its event is probably still on its way."""
    stored = world.save(DATA)
    assert world.sweeper().sweep() == Swept()
    assert swept_later(world) == Swept(finished=1)
    assert world.observation(stored).status is Status.READY
    assert swept_later(world) == Swept()


def test_a_photo_that_never_arrived_is_rejected_and_a_later_save_heals_it(world: World) -> None:
    """The phone lost its connection in the middle, and came back the next day."""
    saved = world.saver().save(PHOTO, KEA, ANA).observation
    world.photos.delete(saved.object_name)
    swept_later(world)
    rejected = world.observation(saved)
    assert (rejected.status, rejected.reason) == (Status.REJECTED, NEVER_ARRIVED)
    assert swept_later(world) == Swept()
    again = world.saver().save(PHOTO, KEA, ANA)
    assert (again.created, again.observation.status) == (False, Status.PENDING)
    assert again.observation.reason is None
    assert swept_later(world) == Swept(finished=1)
    assert world.observation(saved).status is Status.READY


@pytest.mark.parametrize("late", [False, True])
def test_a_photo_that_arrives_just_as_it_is_given_up_is_not_lost(
    tmp_path: Path, *, late: bool
) -> None:
    """At every step of the sweep; its event comes at once, or later."""

    def story(world: World, steps: Steps) -> None:
        stored = world.save(DATA)
        world.photos.delete(stored.name)
        world.now += LATER
        events = []

        def arrive() -> None:
            events.append(world.upload(DATA, stored.name))
            if not late:
                world.processor().process(events[0])

        steps.then = arrive
        world.sweeper(steps).sweep()
        for event in events:
            world.processor().process(event)
        if steps.at:
            done = world.observation(stored)
            assert (done.status, done.reason) == (Status.READY, None), steps.at

    at_every_step(tmp_path, story)


@pytest.mark.parametrize("case", ["lost", "absent", "deleting"])
def test_a_sweep_killed_after_any_step_is_completed_by_the_next(tmp_path: Path, case: str) -> None:
    """Whatever was killed in the first place."""

    def story(world: World, steps: Steps) -> None:
        stored = world.save(DATA)
        if case == "absent":
            world.photos.delete(stored.name)
        if case == "deleting":
            world.processor().process(stored)
            marked = dataclasses.replace(world.observation(stored), status=Status.DELETING)
            world.store.replace(marked)
        world.now += LATER
        steps.then = die
        with contextlib.suppress(Killed):
            world.sweeper(steps).sweep()
        swept_later(world)
        if case == "deleting":
            assert (world.store.get("ana", stored.id), world.files()) == (None, []), steps.at
        else:
            wanted = Status.READY if case == "lost" else Status.REJECTED
            assert world.observation(stored).status is wanted, steps.at

    at_every_step(tmp_path, story)


def test_what_fails_waits_for_its_turn_and_ends(world: World) -> None:
    """A photo that can never be processed delays no other, and is not retried forever."""
    bad, good = world.save(DATA, 1), world.save(DATA, 2, updated=NOW + timedelta(seconds=1))
    world.model.error = ValueError("a mistake of ours")
    world.now += LATER
    assert world.sweeper(most=1).sweep() == Swept(failed=1)
    world.model.error = None
    assert world.sweeper(most=1).sweep() == Swept(finished=1)
    assert world.observation(good).status is Status.READY
    assert world.observation(bad).status is Status.PENDING
    world.model.error = ValueError("a mistake of ours")
    for _ in range(MOST_ATTEMPTS + 1):
        swept_later(world)
    assert world.observation(bad).status is Status.REJECTED
    assert swept_later(world) == Swept()


def test_a_sweep_begins_nothing_after_its_time(world: World) -> None:
    """The function's request would be cut off in the middle."""
    for number in (1, 2, 3):
        world.save(encoded(noise(seed=number)), number)
    world.now += LATER
    ticking = iter(range(0, 1000, 40))  # 60 s are over at the third look
    assert world.sweeper(clock=lambda: next(ticking)).sweep() == Swept(finished=1)


def test_two_sweeps_at_once_share_the_work(tmp_path: Path) -> None:
    """A second one may begin before the first has ended; no photo is processed by both."""

    def story(world: World, first: Steps) -> None:
        events = [world.save(encoded(noise(seed=number)), number) for number in (1, 2)]
        world.now += LATER
        second = Steps()
        first.then = lambda: world.sweeper(second).sweep()
        world.sweeper(first).sweep()
        assert all(world.observation(stored).status is Status.READY for stored in events), first.at
        assert [*first.names, *second.names].count("classify") == len(events), first.at

    at_every_step(tmp_path, story)


def test_a_retried_save_heals_its_own_lost_event(world: World) -> None:
    """The photo is written again, which is another event; a retry within a minute writes none."""
    saved = world.saver().save(PHOTO, KEA, ANA).observation
    before = world.photos.generation(saved.object_name)
    world.saver().save(PHOTO, KEA, ANA)
    assert world.photos.generation(saved.object_name) == before
    world.now += timedelta(minutes=2)
    assert world.saver().save(PHOTO, KEA, ANA).observation.id == saved.id
    event = world.upload_event(saved.object_name)
    assert event.generation != before
    assert world.processor().process(event) is Outcome.READY
    world.now += timedelta(minutes=2)
    world.saver().save(PHOTO, KEA, ANA)
    assert world.photos.generation(saved.object_name) == event.generation


@pytest.mark.parametrize("accident", ["killed", "processed", "deleted"])
def test_a_healing_save_disturbed_after_any_step_loses_nothing(
    tmp_path: Path, accident: str
) -> None:
    """By its own death, by the old event that comes after all, by a deletion."""

    def story(world: World, steps: Steps) -> None:
        stored = world.saver().save(PHOTO, KEA, ANA).observation
        world.now += timedelta(minutes=2)

        def disturb() -> None:
            if accident == "killed":
                raise Killed
            if accident == "processed":
                world.processor().process(world.upload_event(stored.object_name))
            else:
                world.observations().delete(ANA, stored.id)

        steps.then = disturb
        with contextlib.suppress(Killed):
            world.saver(steps).save(PHOTO, KEA, ANA)
        if world.store.get("ana", stored.id) is None:
            assert world.files() == [], steps.at
        else:
            world.processor().process(world.upload_event(stored.object_name))
            assert world.observation(stored).status is Status.READY, steps.at

    at_every_step(tmp_path, story)
