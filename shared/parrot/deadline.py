"""One deadline for a request, shared by everything that the request waits for.

`within` opens it where a request arrives; each call to a neighbour asks `left` how long it may
take. Without a deadline (training, tests) a call may take as long as its own limit says. What is
set as `check` is called again and again while a call waits; what it raises ends the call.
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


current: ContextVar[_Deadline | None] = ContextVar("deadline", default=None)
check: ContextVar[Callable[[], None] | None] = ContextVar("check", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Share this many seconds from now; a deadline that ends sooner stays in force."""
    end, outer = time.monotonic() + seconds, current.get()
    token = current.set(_Deadline(end if outer is None else min(end, outer.end)))
    try:
        yield
    finally:
        current.reset(token)


@contextmanager
def paused() -> Iterator[None]:
    """Time that the caller takes, sending the body over a slow network, does not count."""
    ours, started = current.get(), time.monotonic()
    try:
        yield
    finally:
        if ours is not None:
            ours.end += time.monotonic() - started


def left(most: float) -> float:
    """Seconds that a call may take: `most`, or what is left if that is less."""
    ours = current.get()
    if ours is None:
        return most
    return max(_LEAST_SECONDS, min(most, ours.end - time.monotonic()))
