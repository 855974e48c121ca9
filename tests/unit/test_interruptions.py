"""A photo whose processing is killed, overtaken, relabelled or deleted after any outside call."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from parrot.observation import Status
from parrot.observations import Observations
from parrot.process import Outcome
from parrot.quota import User
from tests.support.processing import GALAH, KEA, OTHER, PHOTO, Killed, Steps, World, die

if TYPE_CHECKING:
    from pathlib import Path

    from parrot.observation import Observation

pytestmark = pytest.mark.usefixtures("remember_thumbnails")


def plain(observation: Observation) -> Observation:
    """Without the number of changes, which may differ."""
    return dataclasses.replace(observation, revision=0)


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
