"""One deadline for everything that a request waits for."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from parrot import deadline


def test_a_call_may_take_what_is_left() -> None:
    """Three calls of 20 s each take a minute, and the phone has hung up."""
    with deadline.within(10):
        assert 9 < deadline.left(20) <= 10
        assert deadline.left(3) == 3
    assert deadline.left(20) == 20


def test_the_deadline_that_ends_first_counts() -> None:
    """A call's own limit is for the call, the request's for all of them."""
    with deadline.within(10), deadline.within(100):
        assert deadline.left(1000) <= 10
        with deadline.within(1):
            assert deadline.left(1000) <= 1
        assert deadline.left(1000) > 1


def test_no_time_left_is_not_unlimited() -> None:
    """Zero or less means no timeout at all to some libraries."""
    with deadline.within(-5):
        assert 0 < deadline.left(20) < 0.1


def test_a_check_is_for_one_call() -> None:
    """Left behind, that of a silent model server would end the next request's look-up."""
    with deadline.watched(pytest.fail), deadline.within(20):
        assert deadline.current.get().check is pytest.fail
    assert deadline.current.get().check is None


def test_waiting_for_the_body_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A phone with a weak signal needs a minute to send its photo."""
    clock = iter((0.0, 0.0, 5.0, 5.0))
    monkeypatch.setattr(deadline, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with deadline.within(10):
        with deadline.paused():  # for five seconds
            pass
        assert deadline.left(20) == 10


def test_each_thread_has_its_own() -> None:
    """Eighty requests at once share an instance."""
    with deadline.within(1), ThreadPoolExecutor(1) as pool:
        assert pool.submit(deadline.left, 20).result() == 20
