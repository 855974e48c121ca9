"""Photos that cannot be processed, whatever the reason: tried a few times, never forever."""

import contextlib
from datetime import timedelta
from pathlib import Path

import pytest

from parrot import budget
from parrot.errors import (
    BadModelResponse,
    DecoderUnavailable,
    ModelUnavailable,
    Overloaded,
    TooManyRequests,
)
from parrot.observation import Attempts, Status, StoredPhoto
from parrot.process import Outcome
from parrot.quota import ANONYMOUS_UID, CpuSeconds, Visitor
from tests.support.processing import (
    MOST_ATTEMPTS,
    OTHER,
    PHOTO,
    Killed,
    Steps,
    World,
    at_every_step,
    die,
)

LEASE = timedelta(minutes=2)  # of an attempt
BEGUN = 4  # the step that counts it: after it was looked up twice, and the photo once


def fails(world: World, stored: StoredPhoto, times: int, error: Exception | None = None) -> None:
    """So often, until the model is well again."""
    world.model.error = error or MemoryError()
    for _ in range(times):
        with pytest.raises(type(world.model.error)):
            world.processor().process(stored)
    world.model.error = None


@pytest.mark.parametrize(
    ("error", "direct"),
    [(MemoryError(), False), (ValueError("ours"), True), (DecoderUnavailable("ended"), True)],
)
def test_what_keeps_failing_is_rejected_with_its_reason(
    world: World, error: Exception, *, direct: bool
) -> None:
    """Eventarc would retry it for a day, and the sweep forever."""
    stored = world.upload(PHOTO, "photos/ana/x") if direct else world.save(PHOTO)
    fails(world, stored, MOST_ATTEMPTS, error)
    assert world.observation(stored).status is Status.PENDING
    assert world.processor().process(stored) is Outcome.REJECTED
    assert world.observation(stored).reason == "processing this photo failed 3 times"
    assert world.processor().process(stored) is Outcome.DONE_BEFORE


@pytest.mark.parametrize("direct", [False, True])
def test_attempts_that_killed_the_process_count(tmp_path: Path, *, direct: bool) -> None:
    """Out of memory, or stopped for taking too long: no process is left to count them."""

    def story(world: World, steps: Steps) -> None:
        stored = world.upload(PHOTO, "photos/ana/x") if direct else world.save(PHOTO)
        attempts = [steps, *(Steps(steps.at) for _ in range(MOST_ATTEMPTS - 1))]
        for attempt in attempts:
            attempt.then = die
            with contextlib.suppress(Killed):
                world.processor(attempt).process(stored)
            world.now += LEASE
        if "classify" in attempts[-1].names[: steps.at]:
            outcome = world.processor().process(stored)
            assert outcome in {Outcome.REJECTED, Outcome.DONE_BEFORE}, steps.at

    at_every_step(tmp_path, story)


@pytest.mark.parametrize("direct", [False, True])
def test_a_good_photo_whose_event_is_delivered_many_times_at_once_is_ready(
    tmp_path: Path, *, direct: bool
) -> None:
    """None of them has failed: six would have been more than the most attempts."""

    def story(world: World, steps: Steps) -> None:
        stored = world.upload(PHOTO, "photos/ana/x") if direct else world.save(PHOTO)
        outcomes: list[Outcome] = []

        def deliver(steps: Steps, times: int) -> None:
            if times > 1:
                steps.then = lambda: deliver(Steps(steps.at), times - 1)
            outcomes.append(world.processor(steps).process(stored))

        deliver(steps, 2 * MOST_ATTEMPTS)
        assert set(outcomes) <= {Outcome.READY, Outcome.DONE_BEFORE}, steps.at
        assert world.observation(stored).status is Status.READY, steps.at
        assert world.store.used("ana", "saves")[1] == direct, steps.at

    at_every_step(tmp_path, story, quota=1)


@pytest.mark.parametrize("dies", [False, True])
def test_what_fails_beside_a_running_attempt_is_not_counted(world: World, *, dies: bool) -> None:
    """Six decoders at once may fail for lack of memory where a single one does not."""
    stored = world.save(PHOTO)

    def others() -> None:
        fails(world, stored, 2 * MOST_ATTEMPTS)
        if dies:
            raise Killed

    with contextlib.suppress(Killed):
        world.processor(Steps(BEGUN, others)).process(stored)
    if dies:
        assert world.observation(stored).attempts == Attempts(str(stored.generation), 1)
        world.now += LEASE
        fails(world, stored, MOST_ATTEMPTS - 1)
        assert world.processor().process(stored) is Outcome.REJECTED
    else:
        assert world.observation(stored).status is Status.READY


def test_a_lease_of_a_wrong_clock_protects_nothing(world: World) -> None:
    """An instance that was a year ahead must not let a photo be tried for a year."""
    stored = world.save(PHOTO)
    world.now += timedelta(days=365)
    with contextlib.suppress(Killed):
        world.processor(Steps(BEGUN, die)).process(stored)
    world.now -= timedelta(days=365)
    fails(world, stored, MOST_ATTEMPTS - 1)
    assert world.processor().process(stored) is Outcome.REJECTED


@pytest.mark.parametrize("error", [ModelUnavailable("away"), BadModelResponse("nonsense")])
def test_a_neighbour_that_fails_is_not_held_against_the_photo(
    world: World, error: Exception
) -> None:
    """A model server that is down for a night must not reject the photos saved meanwhile."""
    stored = world.save(PHOTO)
    fails(world, stored, MOST_ATTEMPTS + 2, error)
    assert world.observation(stored).attempts == Attempts(str(stored.generation), 0)
    assert world.processor().process(stored) is Outcome.READY
    assert world.observation(stored).attempts is None


def test_another_photo_under_the_same_name_starts_from_zero(world: World) -> None:
    """The previous photo's failures are not its own."""
    stored = world.save(PHOTO)
    fails(world, stored, MOST_ATTEMPTS)
    new = world.upload(OTHER, stored.name)
    assert world.processor().process(new) is Outcome.READY


def test_a_user_whose_time_is_used_up_waits_and_nobody_else_does(world: World) -> None:
    """Six expensive uploads of one user held everybody's photos for a minute."""
    now = [0.0]
    world.cpu_seconds = CpuSeconds(30, now=lambda: now[0])
    anas, bens = world.save(PHOTO), world.save(OTHER, 2, uid="ben")
    with world.cpu_seconds.billed(Visitor.signed_in("ana")):
        budget.bill().add(31.0)
    for _ in range(2 * MOST_ATTEMPTS):
        with pytest.raises(TooManyRequests, match="30 cpu-seconds"):
            world.processor().process(anas)
    assert world.processor().process(bens) is Outcome.READY
    now[0] += 60
    assert world.processor().process(anas) is Outcome.READY


def test_people_without_a_login_do_not_share_their_time(world: World) -> None:
    """One phone could keep the photos of all of them waiting."""
    world.cpu_seconds = CpuSeconds(30)
    stored = world.save(PHOTO, uid=ANONYMOUS_UID)
    with world.cpu_seconds.billed(Visitor.signed_in(ANONYMOUS_UID)):
        budget.bill().add(31.0)
    assert world.processor().process(stored) is Outcome.READY


def test_time_that_is_used_up_meanwhile_is_not_the_photos_fault(world: World) -> None:
    """It would be rejected for good."""
    stored = world.save(PHOTO)
    world.model.error = TooManyRequests(quota="cpu-seconds", limit=30, seconds=60, retry_after=9)
    for _ in range(2 * MOST_ATTEMPTS):
        with pytest.raises(Overloaded):
            world.processor().process(stored)
    world.model.error = None
    assert world.processor().process(stored) is Outcome.READY
