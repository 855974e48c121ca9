"""Where observations live: the port that every store of observations fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from parrot.observation import Observation, Page, Place, Status


class ObservationStore(Protocol):
    """Where observations live: Firestore, or SQLite on one machine.

    Every method raises StoreUnavailable where the store cannot be reached. Nothing here ever
    returns another user's observation.
    """

    def create(self, observation: Observation) -> tuple[Observation, bool]:
        """Store it unless its (uid, id) is there; the stored one, and whether it is new.

        Of many callers at once exactly one is told True.
        """

    def get(self, uid: str, observation_id: str) -> Observation | None:
        """The user's own observation in any status, or None."""

    def replace(self, observation: Observation) -> bool:
        """Store it with revision + 1 if the stored one is of this `version` still.

        False where it was changed or removed in the meantime, even if it was made anew since:
        nothing was written then.
        """

    def remove(self, observation: Observation) -> bool:
        """Remove the document if the stored one is of this `version` still; whether it was."""

    def page(
        self,
        uid: str,
        *,
        size: int,
        after: Place | None = None,
        species: str | None = None,
        status: Status | None = None,
    ) -> Page:
        """Up to `size` observations after a place, newest first; DELETING ones are not shown."""

    def similar(self, uid: str, phash: str, *, distance: int) -> tuple[Observation, ...]:
        """The user's observations whose perceptual hash differs in at most `distance` bits.

        `distance` is at most 3: stores look hashes up by their four 16-bit quarters, one of which
        must then be the same.
        """

    def naming(self, uid: str, observation_id: str) -> tuple[Observation, ...]:
        """The user's observations whose `duplicate_of` is this id."""
