"""How parts are built: once, or not before they are used."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    T = TypeVar("T")

_LOCK = threading.RLock()


def once(build: Callable[[], T]) -> Callable[[], T]:
    """Like functools.cache, but concurrent threads build only once."""
    build = cache(build)

    def locked() -> T:
        with _LOCK:
            return build()

    return cache(locked)


class Late:
    """Stands for a part that is built when one of its methods is first looked up."""

    def __init__(self, build: Callable[[], object]) -> None:
        self._build = build

    def __getattr__(self, name: str) -> object:
        return getattr(self._build(), name)
