"""A photo whose processing is killed, overtaken, relabelled or deleted after any outside call."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from parrot.observation import Observation, Status
from parrot.process import Outcome
from parrot.quota import User
from tests.support.processing import (
    GALAH,
    KEA,
    OTHER,
    PHOTO,
    Killed,
    Steps,
    World,
    at_every_step,
    die,
)

BAD = PHOTO[:-200]


def plain(observation: Observation, **changes: Any) -> Observation:
    """Without the number of changes, which may differ."""
    return dataclasses.replace(observation, revision=0, **changes)


def test_a_newer_generation_in_the_middle_of_any_step_counts(tmp_path: Path) -> None:
    """Nothing about the older photo may remain on the observation."""

    def story(world: World, steps: Steps) -> None:
        old = world.save(PHOTO)

        def overtake() -> None:
            new = world.upload(OTHER, old.name)
            assert world.processor().process(new) is Outcome.READY

        steps.then = overtake
        world.processor(steps).process(old)
        assert world.observation(old).width == (64 if steps.at else 80), steps.at

    at_every_step(tmp_path, story)


@pytest.mark.parametrize("data", [PHOTO, BAD], ids=["good", "bad"])
@pytest.mark.parametrize("direct", [False, True])
def test_a_kill_after_any_step_is_repaired_by_the_next_delivery(
    tmp_path: Path, data: bytes, *, direct: bool
) -> None:
    """The end is the same as without the accident, for good photos and bad ones."""
    ends: list[tuple[Observation, list[str]]] = []

    def story(world: World, steps: Steps) -> None:
        stored = world.upload(data, "photos/ana/x") if direct else world.save(data)
        steps.then = die
        try:
            world.processor(steps).process(stored)
        except Killed:
            world.processor().process(stored)
        assert world.processor().process(stored) is Outcome.DONE_BEFORE
        ends.append((plain(world.observation(stored), generation=None), world.files()))

    at_every_step(tmp_path, story)
    assert ends == [ends[0]] * len(ends)


@pytest.mark.parametrize("data", [PHOTO, BAD], ids=["good", "bad"])
def test_another_delivery_in_the_middle_of_any_step_changes_nothing(
    tmp_path: Path, data: bytes
) -> None:
    """Two instances work on one photo."""
    ends: list[tuple[Observation, list[str]]] = []

    def story(world: World, steps: Steps) -> None:
        stored = world.save(data)
        steps.then = lambda: world.processor().process(stored)
        world.processor(steps).process(stored)
        ends.append((plain(world.observation(stored)), world.files()))

    at_every_step(tmp_path, story)
    assert ends == [ends[0]] * len(ends)


def test_a_relabel_in_the_middle_of_any_step_counts(tmp_path: Path) -> None:
    """The person's last choice counts, and the review is about it."""

    def story(world: World, steps: Steps) -> None:
        stored = world.save(PHOTO)
        steps.then = lambda: world.observations().change(User("ana"), stored.id, GALAH)
        world.processor(steps).process(stored)
        done = world.observation(stored)
        if steps.at:
            assert [label.species for label in done.labels] == [KEA.id, GALAH.id], steps.at
            assert done.status is Status.NEEDS_REVIEW, steps.at

    at_every_step(tmp_path, story)


@pytest.mark.parametrize("data", [PHOTO, BAD], ids=["good", "bad"])
@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("dies", [False, True], ids=["lives", "dies"])
def test_a_deletion_in_the_middle_of_any_step_leaves_nothing(
    tmp_path: Path, data: bytes, *, direct: bool, dies: bool
) -> None:
    """No observation comes back, no thumbnail stays; also if it dies and its event returns."""

    def story(world: World, steps: Steps) -> None:
        stored = world.upload(data, "photos/ana/x") if direct else world.save(data)

        def delete() -> None:
            if world.store.get("ana", stored.id) is None:
                world.photos.delete(stored.name)  # there is no observation yet
            else:
                world.observations().delete(User("ana"), stored.id)
            if dies:
                raise Killed

        steps.then = delete
        try:
            world.processor(steps).process(stored)
        except Killed:
            world.processor().process(stored)
        if steps.at:
            assert world.files() == [], steps.at
            assert world.store.get("ana", stored.id) is None, steps.at

    at_every_step(tmp_path, story)


def test_a_deletion_that_is_under_way_is_not_disturbed(world: World) -> None:
    """Interrupted after its mark, it still finds everything to remove when it is repeated."""
    stored = world.save(PHOTO)
    world.store.replace(dataclasses.replace(world.observation(stored), status=Status.DELETING))
    assert world.processor().process(stored) is Outcome.GONE
    assert world.observation(stored).status is Status.DELETING
    assert world.files() == [stored.name]
    world.observations().delete(User("ana"), stored.id)
    assert world.files() == []
