"""Callers take turns with the processes that decode expensive photos."""

import threading
import time

import pytest

from parrot.errors import Overloaded
from parrot.photo.children import Children


def children(count: int = 2) -> Children:
    return Children(100, count=count, patience=0.05)


def test_one_caller_cannot_hold_both() -> None:
    """Eight expensive photos from one address at once delay only each other."""
    both = children()
    with both.turn("ana", 10):
        with pytest.raises(Overloaded), both.turn("ana", 10):
            pytest.fail("she has one already")
        with both.turn("ben", 10):
            pass
    with both.turn("ana", 10):
        pass


def test_who_has_just_had_a_turn_goes_behind_all_who_wait() -> None:
    """Whoever sends most would have most turns."""
    single, order = Children(100, count=1, patience=5), []

    def take(caller: str) -> None:
        with single.turn(caller, 10):
            order.append(caller)

    threads = [threading.Thread(target=take, args=(name,)) for name in ("ana", "ana", "ben")]
    with single.turn("ana", 10):
        for number, thread in enumerate(threads, start=1):
            thread.start()
            while len(single._waiting) < number:  # noqa: SLF001 - they wait in this order
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert order == ["ben", "ana", "ana"]


def test_callers_of_long_photos_leave_one_to_everybody_else() -> None:
    """Two addresses that take turns would hold both for good."""
    both = children()
    for name in ("ana", "ben"):
        with both.turn(name, 10) as child:
            child.seconds = 4.0
    with both.turn("ana", 10):
        with pytest.raises(Overloaded), both.turn("ben", 10):
            pytest.fail("the other one is for those whose photos are quick")
        with both.turn("cleo", 10):
            pass
    with both.turn("ben", 10):
        pass


def test_a_turn_in_which_nothing_is_decoded_is_not_charged_for_the_one_before() -> None:
    """A caller without time left was remembered for the photo of somebody else."""
    both = children()
    with both.turn("ana", 10) as child:
        child.seconds = 4.0
    with both.turn("ben", 10):
        pass
    with both.turn("ana", 10), both.turn("ben", 10):
        pass


def test_they_share_their_memory() -> None:
    """Two photos of 48 megapixels wait for each other; an ordinary one goes past them."""
    both = children()
    with both.turn("ana", 80):
        with pytest.raises(Overloaded), both.turn("ben", 80):
            pytest.fail("the instance would be out of memory")
        with both.turn("cleo", 20):
            pass
