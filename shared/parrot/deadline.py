"""One deadline for a request, shared by everything that the request waits for.

`within` opens it where a request arrives; each call to a neighbour asks `left` how long it may
take. Without a deadline (training, tests) a call may take as long as its own limit says. The
caller may also end the wait before that: `watched` names a check that the wait repeats.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# No call gets less, so that a request that is over fails in the call's own words.
_LEAST_SECONDS = 0.001


@dataclass(slots=True)
class _Deadline:
    end: float  # of time.monotonic()


_current: ContextVar[_Deadline | None] = ContextVar("deadline", default=None)
_watch: ContextVar[Callable[[], None] | None] = ContextVar("watch", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Share this many seconds from now; a deadline that ends sooner stays in force."""
    end, outer = time.monotonic() + seconds, _current.get()
    token = _current.set(_Deadline(end if outer is None else min(end, outer.end)))
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def paused() -> Iterator[None]:
    """Time that the caller takes, sending the body over a slow network, does not count."""
    current, started = _current.get(), time.monotonic()
    try:
        yield
    finally:
        if current is not None:
            current.end += time.monotonic() - started


def left(most: float) -> float:
    """Seconds that a call may take: `most`, or what is left if that is less."""
    current = _current.get()
    if current is None:
        return most
    return max(_LEAST_SECONDS, min(most, current.end - time.monotonic()))


def over() -> bool:
    """Whether nothing is left: to ask a neighbour now would only blame it for our own delay."""
    current = _current.get()
    return current is not None and time.monotonic() >= current.end


@contextmanager
def watched(check: Callable[[], None]) -> Iterator[None]:
    """While a call waits, `check` is called again and again; what it raises ends the call."""
    token = _watch.set(check)
    try:
        yield
    finally:
        _watch.reset(token)


def limits(most: float) -> tuple[float, Callable[[], None] | None]:
    """Seconds that a wait may take, 0 if the deadline is over; the check that it must repeat."""
    current = _current.get()
    seconds = most if current is None else min(most, current.end - time.monotonic())
    return max(0.0, seconds), _watch.get()
