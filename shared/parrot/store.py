"""Where observations live: the port that every store of observations fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from parrot.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from parrot.observation import Observation, Page, Place, Status

_TRIES = 20


class Documents(Protocol):
    """The two operations behind every change."""

    def get(self, uid: str, observation_id: str) -> Observation | None:
        """The user's own observation in any status, or None."""

    def replace(self, observation: Observation) -> Observation | None:
        """Store a change of what was read, and return it as stored, with the next revision.

        None if the stored one no longer has this `version`: it was changed, removed, or removed
        and made again in the meantime. Nothing is written then.
        """


class ObservationStore(Documents, Protocol):
    """Where observations live: Firestore, or SQLite on one machine.

    Every method raises StoreUnavailable if the store cannot be reached. No method but `unfinished`
    ever returns another user's observation.
    """

    def create(self, observation: Observation) -> tuple[Observation, bool]:
        """Store it unless its (uid, id) exists; returns the stored one, and whether it is new.

        Of many concurrent callers exactly one gets True.
        """

    def update(
        self, uid: str, observation_id: str, change: Callable[[Observation], Observation]
    ) -> Observation | None:
        """Apply `change` to what is stored and return the result as stored; None if it is gone.

        `change` is called again whenever another writer was faster, so it must not have effects of
        its own. If it returns its argument unchanged, nothing is written. If it raises, nothing is
        written and the error passes through.
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

    def similar(
        self, uid: str, phashes: Collection[str], *, distance: int
    ) -> tuple[Observation, ...]:
        """The user's observations whose hash differs in at most `distance` bits from one of these.

        The oldest first, without DELETING ones.

        `distance` is at most 3: stores look hashes up by their four 16-bit quarters, and within
        three bits at least one quarter is the same.
        """

    def duplicates_of(self, uid: str, observation_id: str) -> tuple[Observation, ...]:
        """The user's observations whose `duplicate_of` is this id."""

    def unfinished(self, *, before: datetime, limit: int) -> tuple[Observation, ...]:
        """PENDING and DELETING observations of all users, last changed before this moment.

        At most `limit` of them, the least recently changed first.
        """


def update(
    documents: Documents,
    uid: str,
    observation_id: str,
    change: Callable[[Observation], Observation],
) -> Observation | None:
    """`ObservationStore.update`, for every store: compare and set, and again if overtaken."""
    for _ in range(_TRIES):
        current = documents.get(uid, observation_id)
        if current is None:
            return None
        changed = change(current)
        if changed == current:
            return current
        stored = documents.replace(changed)
        if stored is not None:
            return stored
    raise StoreUnavailable(f"too many concurrent changes to observation {observation_id}")
