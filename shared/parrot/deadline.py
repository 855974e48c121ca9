"""One deadline for a request, shared by everything that the request waits for.

`within` opens it where a request arrives; each call to a neighbour asks `left` how long it may
take. Without a deadline (training, tests) a call may take as long as its own limit says. The
caller may also end the wait before that: `watched` names a check that the wait repeats. Sockets
look at both in `current` before they wait.
"""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# No call gets less, so that a request that is over fails in the call's own words.
LEAST_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a wait must end: at a time of `time.monotonic()`, or when its check raises."""

    end: float
    check: Callable[[], None] | None = None


_NEVER = Deadline(math.inf)
current: ContextVar[Deadline] = ContextVar("deadline", default=_NEVER)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Share this many seconds from now; a deadline that ends sooner stays in force."""
    outer = current.get()
    token = current.set(Deadline(min(time.monotonic() + seconds, outer.end), outer.check))
    try:
        yield
    finally:
        current.reset(token)


@contextmanager
def watched(check: Callable[[], None]) -> Iterator[None]:
    """While a call waits, `check` is called again and again; what it raises ends the call."""
    token = current.set(Deadline(current.get().end, check))
    try:
        yield
    finally:
        current.reset(token)


@contextmanager
def paused() -> Iterator[None]:
    """Time that the caller takes, sending the body over a slow network, does not count."""
    started = time.monotonic()
    try:
        yield
    finally:
        deadline = current.get()
        current.set(replace(deadline, end=deadline.end + time.monotonic() - started))


def left(most: float) -> float:
    """Seconds that a call may take: `most`, or what is left if that is less."""
    return max(LEAST_SECONDS, min(most, current.get().end - time.monotonic()))


def over() -> bool:
    """Whether nothing is left: to ask a neighbour now would only blame it for our own delay."""
    return time.monotonic() >= current.get().end
