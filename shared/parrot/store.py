"""The ports of what is stored: observations (Firestore or SQLite) and photos (Cloud Storage)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from parrot.errors import StoreUnavailable, TooManyRequests

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from parrot.observation import Observation, Page, Place, Status
    from parrot.receipt import Erasure
    from parrot.records import Embedded, Photo

_TRIES = 20


@dataclass(frozen=True, slots=True)
class OpenObject:
    """The bytes of one generation of an object, read in parts."""

    size: int  # bytes, as stored
    tag: str  # differs wherever the bytes do: letters and digits
    # From the first to before the last byte's number. Raises StoreUnavailable, also if the object
    # was replaced.
    read: Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What the bucket says about the live object of a name."""

    generation: int
    size: int  # bytes, as stored
    content_type: str  # as the uploader stated it, unchecked
    encoding: str  # its Content-Encoding, mostly empty
    created: datetime
    species: str | None = None  # as the uploader stated it, unchecked
    training: bool | None = None  # whether the uploader allows it; None: nothing was stated


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit for each window; windows start at multiples of their length since 1970, in UTC."""

    name: str  # what is counted, for people and in the RateLimit headers
    limit: int  # uses in a window; 0: no limit
    seconds: int  # a window's length

    def window(self, now: float) -> int:
        """The number of the window that a moment falls into."""
        return int(now) // self.seconds

    def used_up(self, retry_after: int) -> TooManyRequests:
        """The refusal of more uses, for so many seconds."""
        return TooManyRequests(
            quota=self.name, limit=self.limit, seconds=self.seconds, retry_after=retry_after
        )


@dataclass(frozen=True, slots=True)
class Use:
    """Uses of a quota. A store counts them in the transaction that stores what they pay for."""

    quota: Quota
    now: float
    count: int = 1

    def added(self, window: int, used: int) -> tuple[int, int]:
        """The window and the uses to store after these. Raises TooManyRequests: store nothing.

        A clock that goes back over the end of a window, or another instance's slow one, must not
        start the count again: the next window's is continued.
        """
        current = self.quota.window(self.now)
        if window not in {current, current + 1}:
            window, used = current, 0
        used += self.count
        if used > self.quota.limit:
            raise self.quota.used_up((window + 1) * self.quota.seconds - int(self.now))
        return window, used

    @property
    def expires(self) -> datetime:
        """When the stored count no longer matters: the next window is over by then."""
        return datetime.fromtimestamp(self.now, UTC) + timedelta(seconds=3 * self.quota.seconds)


class ObservationStore(Protocol):
    """Where observations, quotas, Idempotency-Keys and notes about erasures live.

    Every method raises StoreUnavailable if the store cannot be reached. Only `unfinished`,
    `everything` and what is for reviewers return other users' observations.
    """

    def get(self, uid: str, observation_id: str) -> Observation | None:
        """The user's own observation in any status, or None."""

    def create(self, observation: Observation, use: Use | None = None) -> tuple[Observation, bool]:
        """Store it unless its (uid, id) exists; returns the stored one, and whether it is new.

        Of many concurrent callers exactly one gets True, and only its `use` is counted. Raises
        TooManyRequests, and stores nothing, if it would be new and its quota is used up.
        """

    def replace(self, observation: Observation, use: Use | None = None) -> Observation | None:
        """Store a change of what was read, and return it as stored, with the next revision.

        None if the stored one no longer has this `version`: it was changed, removed, or removed
        and made again in the meantime. Nothing is written or counted then. Raises TooManyRequests.
        """

    def replace_all(self, observations: Sequence[Observation]) -> tuple[Observation | None, ...]:
        """The same for many of one user's, in few requests.

        In the store that refuses some of a batch at a time, None may stand for an unchanged one.
        """

    def remove(self, observation: Observation) -> bool:
        """Remove the document if it still has this `version`; whether it was removed."""

    def page(
        self,
        uid: str,
        *,
        size: int,
        after: Place | None = None,
        species: str | None = None,
        status: Status | None = None,
    ) -> Page:
        """Up to `size` observations after a place, newest first, without DELETING ones."""

    def similar(self, uid: str, phashes: Collection[str]) -> tuple[Observation, ...]:
        """The user's observations whose hash is near one of these: see `duplicates.resembling`."""

    def nearest(
        self, embedded: Embedded, *, uid: str | None, limit: int
    ) -> tuple[Observation, ...]:
        """Those that look most alike, of vectors of the same space, the nearest first.

        The user's own, without DELETING ones; or, for no uid, `review.example`s of all users.
        """

    def duplicates_of(self, uid: str, observation_id: str) -> tuple[Observation, ...]:
        """The user's observations whose `duplicate_of` is this id, the oldest first."""

    def unfinished(self, *, before: datetime, limit: int) -> tuple[Observation, ...]:
        """PENDING and DELETING observations of all users, last changed before this moment.

        At most `limit` of them, the least recently changed first.
        """

    def of(self, uid: str, *, limit: int) -> tuple[Observation, ...]:
        """Some of a user's observations in any status, always in the same order."""

    def everything(self) -> Iterator[Observation]:
        """Every user's observations, in no particular order; for training and backfills."""

    def to_review(self, *, limit: int, below: float = math.inf) -> tuple[Observation, ...]:
        """What waits for reviewers, of all users, the most urgent first; see `review.waiting`.

        Only what is less urgent than `below`.
        """

    def by_handle(self, handle: str) -> Observation | None:
        """The observation, of whichever user, that reviewers know by this handle."""

    def by_reviewer(self, uid: str, *, limit: int) -> tuple[Observation, ...]:
        """Some observations, of all users, with an opinion of this reviewer."""

    def take(self, uid: str, use: Use) -> int:
        """Count what pays for nothing stored; the number of uses so far.

        Raises TooManyRequests, and counts nothing, if fewer were left.
        """

    def used(self, uid: str, quota: str) -> tuple[int, int]:
        """The last window that the user's uses were counted in, and their number; zeros if none."""

    def claim(self, uid: str, key: str, observation_id: str, *, expires: datetime, use: Use) -> str:
        """Give an Idempotency-Key to an observation unless it has one; the id that has it.

        `key` is a hash, in hex digits. A claim that expired before `use.now` does not count.
        Concurrent callers all get the same answer. Each new key is a `use`; once the quota is used
        up, the caller gets its own id and nothing is stored.
        """

    def erasure(self, uid: str) -> Erasure | None:
        """How far the removal of everything has come, or the last one's end for some days."""

    def keep(self, erasure: Erasure) -> Erasure | None:
        """Store a change of what was read, and return it with the next revision.

        None if the stored one no longer has this revision.
        """

    def forget(self, uid: str) -> None:
        """Remove the user's Idempotency-Keys.

        Uses of quotas stay until they expire: erasing everything must not give a user new ones.
        """


class PhotoStore(Protocol):
    """The bucket of photos. Every method raises StoreUnavailable."""

    def put(self, object_name: str, photo: Photo, *, replacing: int = 0) -> int | None:
        """Upload unless the object exists; the generation that this call wrote, or None.

        `replacing` is the generation that may exist.
        """

    def open(self, object_name: str) -> OpenObject | None:
        """The live object, to be read in parts, or None if there is none."""

    def read_generation(self, object_name: str, generation: int, *, most: int) -> bytes | None:
        """The object, or None if this generation is not the live one.

        The bytes as they are stored: an object with a Content-Encoding is not unpacked. Raises
        PhotoTooLarge for more than `most` bytes.
        """

    def describe(self, object_name: str) -> StoredObject | None:
        """The live object's metadata, or None if there is none."""

    def generation(self, object_name: str) -> int | None:
        """The live object's generation, or None if there is none."""

    def write_derived(self, object_name: str, data: bytes) -> None:
        """Store a WebP file, replacing the one that may exist."""

    def list_derived(self, uid: str, observation_id: str) -> dict[str, int]:
        """Generation by name of everything derived from one photo."""

    def list_all(self, uid: str) -> dict[str, int]:
        """Generation by name of some of the user's objects, originals and derived ones."""

    def delete(self, object_name: str, *, generation: int | None = None) -> None:
        """Remove an object, or only this generation of it; no error if there is none."""


def update(
    store: ObservationStore,
    uid: str,
    observation_id: str,
    change: Callable[[Observation], Observation],
    use: Callable[[Observation], Use | None] = lambda _current: None,
) -> Observation | None:
    """Apply `change` to what is stored and return the result as stored; None if it is gone.

    `change` is called again whenever another writer was faster, so it must not have effects of its
    own. If it returns its argument unchanged, nothing is written. If it raises, nothing is written
    and the error passes through. `use` says what the change of an observation uses up. Raises
    TooManyRequests, StoreUnavailable.
    """
    for _ in range(_TRIES):
        current = store.get(uid, observation_id)
        if current is None:
            return None
        changed = change(current)
        if changed == current:
            return current
        stored = store.replace(changed, use(current))
        if stored is not None:
            return stored
    raise StoreUnavailable("too many concurrent changes to the observation")
