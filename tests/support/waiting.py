"""Waiting for what happens elsewhere: as short as possible, and not for ever."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
PATIENCE_SECONDS = 60.0


def until(ask: Callable[[], T], what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """What `ask` gives as soon as it gives anything; `what` was waited for."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)
    return answer
