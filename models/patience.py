"""How work that can wait meets a server that restarts or is overloaded, alone or on threads."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from parrot.errors import BackendError

S = TypeVar("S")
T = TypeVar("T")

_TRIES = 6
_FIRST_PAUSE_SECONDS = 1.0  # then twice as long each time
_AHEAD = 16  # of each thread: what is taken from an endless list at once


def patiently(work: Callable[[], T]) -> T:
    """Do it, again for half a minute while a server does not answer. Raises what `work` does."""
    for tries in range(_TRIES - 1):
        try:
            return work()
        except BackendError:
            time.sleep(_FIRST_PAUSE_SECONDS * 2**tries)
    return work()


def each(work: Callable[[S], T], items: Iterable[S], *, at_once: int) -> Iterator[T]:
    """What patient threads make of each item, in order. Raises what `work` does.

    Few items are taken at a time, so there may be more of them than memory holds.
    """
    left = iter(items)
    with ThreadPoolExecutor(at_once) as threads:
        while some := list(islice(left, _AHEAD * at_once)):
            yield from threads.map(lambda item: patiently(lambda: work(item)), some)
