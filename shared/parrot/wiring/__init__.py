"""The composition root: only this builds real objects, and none at import.

Each part is built once, when it is first needed; a part that failed is tried again by the next
request, so that an instance outlives a bucket that is unreachable for a minute. Builders import
what they build, so that each function's cold start pays only for what it uses. Every builder raises
BadConfig; those that open a bucket, a store or a bundle raise StoreUnavailable and BadBundle too.
"""

from __future__ import annotations

import os
import threading
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from parrot import logs
from parrot.config import Settings

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


@once
def settings() -> Settings:
    """What the environment says."""
    return Settings.from_env(os.environ)


@once
def start() -> Settings:
    """Configure logging, then read the settings. Every entry point calls this first."""
    logs.configure(os.environ.get("GOOGLE_CLOUD_PROJECT"))
    config = settings()
    logs.key_users(config.download_secrets[0] if config.download_secrets else None)
    return config
