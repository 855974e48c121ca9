"""One deadline for a request, shared by everything that the request waits for.

`within` opens it where a request arrives; each call to a neighbour asks `left` how long it may
take. Without a deadline (training, tests) a call may take as long as its own limit says.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# No call gets less, so that a request that is over fails in the call's own words.
_LEAST_SECONDS = 0.001
_end: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Share so many seconds from now; a deadline that ends sooner stays in force."""
    end, outer = time.monotonic() + seconds, _end.get()
    token = _end.set(end if outer is None else min(end, outer))
    try:
        yield
    finally:
        _end.reset(token)


def left(most: float) -> float:
    """Seconds that a call may take: `most`, or what is left if that is less."""
    end = _end.get()
    return most if end is None else max(_LEAST_SECONDS, min(most, end - time.monotonic()))
