"""How often a user may do something in a window of time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from parrot.errors import TooManyRequests
from parrot.records import Allowance

if TYPE_CHECKING:
    from collections.abc import Callable

    from parrot.records import User


class Counter(Protocol):
    """Counts uses, for all instances together."""

    def take(self, uid: str, quota: str, *, window: int, limit: int, count: int = 1) -> int:
        """Use `count` of `limit` in the quota's numbered window; the number of uses so far.

        More than `limit`, and nothing is used, if fewer were left. Of many concurrent callers that
        take one exactly `limit` get a number up to `limit`. Raises StoreUnavailable.
        """


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit for each window; windows start at multiples of their length since 1970, in UTC."""

    name: str  # what is counted, for people and in the RateLimit headers
    limit: int  # 0: no limit
    seconds: int

    def window(self, now: float) -> int:
        """The number of the window that a moment falls into."""
        return int(now) // self.seconds

    def decide(self, used: int, now: float) -> Allowance:
        """What is left after the `used`-th use. Raises TooManyRequests."""
        resets_in = self.seconds - int(now) % self.seconds
        if used > self.limit:
            raise TooManyRequests(
                quota=self.name, limit=self.limit, seconds=self.seconds, retry_after=resets_in
            )
        return Allowance(self.name, self.limit, self.seconds, self.limit - used, resets_in)


class Meter:
    """Counts one quota's uses, user by user."""

    def __init__(
        self, counter: Callable[[], Counter], quota: Quota, now: Callable[[], float] = time.time
    ) -> None:
        """The counter is built only if there is a limit."""
        self._counter, self._quota, self._now = counter, quota, now

    def take(self, user: User | None, count: int = 1) -> Allowance | None:
        """Use so many; None if nothing is counted. Raises TooManyRequests, StoreUnavailable.

        Callers who are not signed in share one uid, so one phone could use up the quota of all of
        them. For those nothing is counted.
        """
        if user is None or user.anonymous or not self._quota.limit:
            return None
        now = self._now()
        used = self._counter().take(
            user.uid,
            self._quota.name,
            window=self._quota.window(now),
            limit=self._quota.limit,
            count=count,
        )
        return self._quota.decide(used, now)
