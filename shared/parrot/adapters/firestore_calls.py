"""How Firestore is called: within a deadline, repeated a few times, its errors translated."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from google.api_core.exceptions import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    GoogleAPIError,
    NotFound,
    ServiceUnavailable,
)
from google.api_core.retry import Retry
from google.auth.exceptions import GoogleAuthError
from google.cloud.firestore import Client

from parrot import deadline
from parrot.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.cloud.firestore import DocumentSnapshot, WriteBatch

OVERTAKEN = (Aborted, AlreadyExists, FailedPrecondition, NotFound)  # another writer was faster
# The library retries for minutes; phones give up long before that.
_SECONDS = 6.0
_REPEATS = 5  # per call; with the library's growing pauses about what fits into that time
_PAUSE_SECONDS = 0.02  # at most, times the number of tries


def pause(tries: int) -> None:
    """Let faster writers finish; many of one user's requests change the same count."""
    if tries:
        time.sleep(deadline.left(random.uniform(0, _PAUSE_SECONDS * tries)))


def committed(batch: WriteBatch) -> bool:
    """Write all of a batch or nothing; False if another writer was faster."""
    try:
        batch.commit(**patience())
    except OVERTAKEN:
        return False
    return True


def put(batch: WriteBatch, read: DocumentSnapshot[Any], fields: dict[str, Any]) -> None:
    """Add to a batch: write a document if it is still as it was read."""
    if read.exists:
        unchanged = Client.write_option(last_update_time=read.update_time)
        batch.update(read.reference, fields, option=unchanged)
    else:
        batch.create(read.reference, fields)


def patience() -> dict[str, Any]:
    """Options of every call: how long it may take, its repetitions too."""
    seconds = deadline.left(_SECONDS)
    return {
        "retry": Retry(_Repeats(seconds), timeout=seconds),
        "timeout": seconds,
    }


class _Repeats:
    """Whether a failed call is repeated: a limited number of times, and within its time.

    The library's own limit does not apply to a list that breaks off after its first rows: it starts
    that again without a pause, as long as this returns True.
    """

    def __init__(self, seconds: float) -> None:
        self._end, self._left = time.monotonic() + seconds, _REPEATS

    def __call__(self, error: Exception) -> bool:
        self._left -= 1
        in_time = self._left >= 0 and time.monotonic() < self._end
        return in_time and isinstance(error, ServiceUnavailable)


@contextmanager
def translated() -> Iterator[None]:
    """The vendor's errors as StoreUnavailable."""
    try:
        yield
    except (GoogleAPIError, GoogleAuthError, OSError) as error:
        raise StoreUnavailable(
            f"observations cannot be read or written now ({type(error).__name__})"
        ) from error
