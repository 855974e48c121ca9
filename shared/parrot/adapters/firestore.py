"""Observations in Firestore, at `users/{uid}/observations/{id}`.

Changes are optimistic: a write names the update time of the document that was read, and the server
refuses it if the document has changed since, so there are no locks. Quotas are in
`users/{uid}/quotas/{name}`, claims of Idempotency-Keys in `users/{uid}/keys/{hash}`.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
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
from google.cloud.firestore import Client, FieldFilter, Query

from parrot import deadline
from parrot.duplicates import lookup, quarters, resembling
from parrot.errors import StoreUnavailable
from parrot.observation import Page, Status, document, instant, restored

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from google.cloud.firestore import (
        CollectionReference,
        DocumentReference,
        DocumentSnapshot,
    )

    from parrot.observation import Observation, Place

# The library retries for minutes; phones give up long before that.
_SECONDS = 6.0
_REPEATS = 5  # per call; with the library's growing pauses about what fits into that time
_TRIES = 20
_MOST_ANY = 30  # values of one `array_contains_any`


def connect(project: str | None, database: str | None) -> FirestoreObservations:
    """The project's observations. No request is made."""
    return FirestoreObservations(Client(project, database=database))


class FirestoreObservations:
    """Only the backend reads and writes here; `firestore.rules` keep phones out."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(self, wanted: Observation) -> tuple[Observation, bool]:
        for _ in range(_TRIES):
            with _translated():
                try:
                    self._document(wanted.uid, wanted.id).create(_fields(wanted), **_patience())
                except AlreadyExists:
                    stored = self.get(wanted.uid, wanted.id)
                else:
                    return wanted, True
            if stored is not None:
                return stored, False
        raise StoreUnavailable("too many concurrent changes to the observation")

    def get(self, uid: str, observation_id: str) -> Observation | None:
        with _translated():
            snapshot = self._document(uid, observation_id).get(**_patience())
        return _observation(snapshot) if snapshot.exists else None

    def replace(self, observation: Observation) -> Observation | None:
        changed = replace(observation, revision=observation.revision + 1)
        place = self._document(observation.uid, observation.id)
        with _translated():
            snapshot = place.get(**_patience())
            if not snapshot.exists or _observation(snapshot).version != observation.version:
                return None
            return changed if self._set(place, snapshot, _fields(changed)) else None

    def remove(self, observation: Observation) -> bool:
        place = self._document(observation.uid, observation.id)
        for _ in range(_TRIES):
            with _translated():
                snapshot = place.get(**_patience())
                if not snapshot.exists or _observation(snapshot).version != observation.version:
                    return False
                unchanged = self._client.write_option(last_update_time=snapshot.update_time)
                try:
                    place.delete(option=unchanged, **_patience())
                except (Aborted, FailedPrecondition, NotFound):
                    continue
            return True
        raise StoreUnavailable("too many concurrent changes to the observation")

    def page(
        self,
        uid: str,
        *,
        size: int,
        after: Place | None = None,
        species: str | None = None,
        status: Status | None = None,
    ) -> Page:
        query = self._collection(uid).where(filter=FieldFilter("listed", "==", True))  # noqa: FBT003
        if species is not None:
            query = query.where(filter=FieldFilter("species", "==", species))
        if status is not None:
            query = query.where(filter=FieldFilter("status", "==", status.value))
        query = query.order_by("created", direction=Query.DESCENDING)
        query = query.order_by("id", direction=Query.DESCENDING)
        if after is not None:
            query = query.start_after({"created": instant(after.created), "id": after.id})
        with _translated():
            rows = query.limit(size + 1).get(**_patience())
        page = tuple(_observation(row) for row in rows[:size])
        return Page(page, page[-1].place if len(rows) > size else None)

    def everything(self) -> Iterator[Observation]:
        with _translated():
            for snapshot in self._client.collection_group("observations").stream():
                yield _observation(snapshot)

    def similar(
        self, uid: str, phashes: Collection[str], *, distance: int
    ) -> tuple[Observation, ...]:
        candidates: dict[str, Observation] = {}
        wanted = list(lookup(phashes))
        for start in range(0, len(wanted), _MOST_ANY):
            some = wanted[start : start + _MOST_ANY]
            query = self._collection(uid).where(
                filter=FieldFilter("quarters", "array_contains_any", some)
            )
            with _translated():
                candidates |= {row.id: _observation(row) for row in query.get(**_patience())}
        return resembling(phashes, candidates.values(), distance=distance)

    def duplicates_of(self, uid: str, observation_id: str) -> tuple[Observation, ...]:
        query = self._collection(uid).where(
            filter=FieldFilter("duplicate_of", "==", observation_id)
        )
        with _translated():
            twins = [_observation(row) for row in query.get(**_patience())]
        return tuple(sorted(twins, key=lambda twin: twin.place))

    def unfinished(self, *, before: datetime, limit: int) -> tuple[Observation, ...]:
        unfinished = [Status.PENDING.value, Status.DELETING.value]
        query = (
            self._client.collection_group("observations")
            .where(filter=FieldFilter("status", "in", unfinished))
            .where(filter=FieldFilter("updated", "<", instant(before)))
            .order_by("updated")
            .limit(limit)
        )
        with _translated():
            return tuple(_observation(row) for row in query.get(**_patience()))

    def take(self, uid: str, quota: str, *, window: int, limit: int, count: int = 1) -> int:
        place = self._user(uid).collection("quotas").document(quota)
        for _ in range(_TRIES):
            with _translated():
                snapshot = place.get(**_patience())
                stored = snapshot.to_dict() or {}
                used = min(stored["used"] if stored.get("window") == window else 0, limit) + count
                if used > limit or self._set(place, snapshot, {"window": window, "used": used}):
                    return int(used)
        raise StoreUnavailable("too many requests at once")

    def claim(
        self, uid: str, key: str, observation_id: str, *, now: datetime, expires: datetime
    ) -> str:
        # Firestore's time-to-live policy removes old claims by `expires`.
        place = self._user(uid).collection("keys").document(key)
        for _ in range(_TRIES):
            with _translated():
                snapshot = place.get(**_patience())
                stored = snapshot.to_dict() or {}
                if stored and stored["expires"] > now:
                    return str(stored["observation"])
                claim = {"observation": observation_id, "expires": expires}
                if self._set(place, snapshot, claim):
                    return observation_id
        raise StoreUnavailable("too many requests at once")

    def _set(
        self, place: DocumentReference, read: DocumentSnapshot[Any], fields: dict[str, Any]
    ) -> bool:
        """Write a document if it is still as it was read; False if another writer was faster."""
        try:
            if read.exists:
                unchanged = self._client.write_option(last_update_time=read.update_time)
                place.update(fields, option=unchanged, **_patience())
            else:
                place.create(fields, **_patience())
        except (Aborted, AlreadyExists, FailedPrecondition, NotFound):
            return False
        return True

    def _user(self, uid: str) -> DocumentReference:
        return self._client.collection("users").document(uid)

    def _collection(self, uid: str) -> CollectionReference:
        observations: CollectionReference = self._user(uid).collection("observations")
        return observations

    def _document(self, uid: str, observation_id: str) -> DocumentReference:
        return self._collection(uid).document(observation_id)


def _observation(stored: DocumentSnapshot[Any]) -> Observation:
    return restored(stored.to_dict() or {})


def _fields(record: Observation) -> dict[str, Any]:
    """The document and what queries need. Always the same keys, so an update leaves no old one."""
    return {
        **document(record),
        "species": record.label.species if record.label else None,
        "listed": record.status is not Status.DELETING,
        "quarters": list(quarters(record.derived.phash)) if record.derived else [],
    }


def _patience() -> dict[str, Any]:
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
def _translated() -> Iterator[None]:
    """The vendor's errors as StoreUnavailable."""
    try:
        yield
    except (GoogleAPIError, GoogleAuthError, OSError) as error:
        raise StoreUnavailable(
            f"observations cannot be read or written now ({type(error).__name__})"
        ) from error
