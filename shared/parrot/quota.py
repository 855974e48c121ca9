"""Users and visitors without a login: how often each may do something in a window of time.

Visitors are counted in this instance's memory. A shared store would cost a write for each photo, so
that whoever floods the service would also be writing its bill; an instance that counts for itself
gives away at most its limit, and the number of instances has a maximum.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self

from parrot import budget
from parrot.observation import UID
from parrot.store import Quota, Use

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from cachetools import TTLCache

    from parrot.store import ObservationStore

ANONYMOUS_UID = "anonymous"  # all phones of the first version: they cannot sign in
CLASSIFICATIONS = "classifications"
DOWNLOADED = "downloaded bytes"
_LEAST_DOWNLOADED = 2**18  # a byte costs two requests to the bucket: it counts as a small photo
_VISITORS_SECONDS = 60
_REMEMBERED = 50_000  # visitors at a time: 10 MB; the oldest are forgotten first
# One address of a content network or proxy stands for many phones.
_SHARED = 20


@dataclass(frozen=True, slots=True)
class User:
    """A caller. Raises ValueError for a uid that cannot be part of an object's name."""

    uid: str
    anonymous: bool = False
    reviewer: bool = False

    def __post_init__(self) -> None:
        if UID.fullmatch(self.uid) is None or self.anonymous != (self.uid == ANONYMOUS_UID):
            raise ValueError(f"not a valid uid: {self.uid!r:.40}")

    @classmethod
    def owning(cls, uid: str) -> User:
        """Whose something stored is."""
        return cls(uid, anonymous=uid == ANONYMOUS_UID)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a quota, for the RateLimit headers."""

    quota: Quota
    remaining: int
    resets_in: int  # seconds until the next window

    @classmethod
    def after(cls, used: float, quota: Quota, now: float) -> Self:
        """What the `used`-th use leaves. Raises TooManyRequests."""
        resets_in = quota.seconds - int(now) % quota.seconds
        if used > quota.limit:
            raise quota.used_up(resets_in)
        return cls(quota, int(quota.limit - used), resets_in)


class Meter:
    """Counts one quota's uses, user by user."""

    def __init__(
        self,
        store: Callable[[], ObservationStore],
        quota: Quota,
        now: Callable[[], float] = time.time,
    ) -> None:
        """The store is opened only if there is a limit."""
        self._store, self._quota, self._now = store, quota, now

    def use(self, user: User, count: int = 1) -> Use | None:
        """What a store is to count; None if nothing is counted.

        Callers who are not signed in share one uid, so one phone could use up the quota of all of
        them. They are not counted.
        """
        if user.anonymous or not self._quota.limit:
            return None
        return Use(self._quota, self._now(), count)

    def take(self, user: User, count: int = 1) -> Allowance | None:
        """Use `count`; None if nothing is counted. Raises TooManyRequests, StoreUnavailable."""
        use = self.use(user, count)
        if use is None:
            return None
        return Allowance.after(self._store().take(user.uid, use), self._quota, use.now)

    def look(self, user: User) -> Allowance | None:
        """What `take` would return or raise now, without counting anything."""
        use = self.use(user)
        if use is None:
            return None
        _, used = use.added(*self._store().used(user.uid, self._quota.name))
        return Allowance.after(used, self._quota, use.now)


@dataclass(frozen=True, slots=True)
class Visitor:
    """The caller, and the proxy it came through.

    `name` is an address, a network, a user, or the hash of an App Check token. `via` is set if the
    name is only claimed by a proxy, and is that proxy's address: its names also count together.
    """

    name: str
    via: str | None = None

    @classmethod
    def signed_in(cls, uid: str) -> Visitor:
        """A user, where they are counted like visitors: in this instance's memory."""
        return cls(f"user {uid}")


class Visitors:
    """Counts what each visitor does in windows of a minute; safe under threads."""

    def __init__(
        self, limit: int, now: Callable[[], float] = time.time, *, quota: str = CLASSIFICATIONS
    ) -> None:
        """`limit` uses each minute, 0 for any number."""
        self._each = Quota(quota, limit, _VISITORS_SECONDS)
        self._together = Quota(quota, limit * _SHARED, _VISITORS_SECONDS)
        self._now = now
        from cachetools import TTLCache  # noqa: PLC0415 - only where it is needed

        self._used: TTLCache[tuple[str, str, int], float] = TTLCache(
            _REMEMBERED, _VISITORS_SECONDS, timer=now
        )
        self._lock = threading.Lock()

    def take(self, visitor: Visitor, count: float = 1) -> Allowance | None:
        """Use `count`; None if nothing is counted. Raises TooManyRequests."""
        if not self._each.limit:
            return None
        now = self._now()
        if visitor.via is not None:
            Allowance.after(self._count("via", visitor.via, now, count), self._together, now)
        return Allowance.after(self._count("name", visitor.name, now, count), self._each, now)

    def download(self, visitor: Visitor, size: int) -> None:
        """Count an answer of this many bytes. Raises TooManyRequests."""
        self.take(visitor, max(size, _LEAST_DOWNLOADED))

    def _count(self, kind: str, name: str, now: float, count: float) -> float:
        key = (kind, name, self._each.window(now))
        with self._lock:
            used = self._used.get(key, 0) + count
            self._used[key] = used
        return used


class CpuSeconds(Visitors):
    """Counts what callers' requests take of an instance's CPU, signed-in users' too.

    In memory for the same reason, and because a request's time is added several times.
    """

    def __init__(self, limit: int, now: Callable[[], float] = time.time) -> None:
        """`limit` seconds each minute, 0 for any number."""
        super().__init__(limit, now, quota="cpu-seconds")

    def billed(
        self, caller: Visitor, *, most: float = budget.MOST_SECONDS
    ) -> AbstractContextManager[None]:
        """Charge what happens meanwhile, `most` seconds at most. Raises TooManyRequests."""
        charge = partial(self.take, caller) if self._each.limit else None
        return budget.billed(budget.Bill(caller.name, charge, most=most))
