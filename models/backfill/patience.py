"""How work that can wait meets a server that restarts or is overloaded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from parrot.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable

    T = TypeVar("T")

_TRIES = 6
_FIRST_PAUSE_SECONDS = 1.0  # then twice as long each time


def patiently(work: Callable[[], T]) -> T:
    """Do it, again for half a minute while a server does not answer. Raises what `work` does."""
    for tries in range(_TRIES - 1):
        try:
            return work()
        except BackendError:
            time.sleep(_FIRST_PAUSE_SECONDS * 2**tries)
    return work()
