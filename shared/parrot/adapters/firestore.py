"""Observations in Firestore, at `users/{uid}/observations/{id}`.

Changes are optimistic: a batch of writes names the update times of the documents that were read,
and the server refuses all of it if one has changed since, so there are no locks. Quotas are in
`users/{uid}/quotas/{name}`, claims of Idempotency-Keys in `users/{uid}/keys/{hash}`, how far an
erasure has come in `users/{uid}/erasures/last`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from google.cloud.firestore import Client, FieldFilter, Query
from google.cloud.firestore_v1.base_vector_query import DistanceMeasure
from google.cloud.firestore_v1.vector import Vector

from parrot.adapters.firestore_calls import committed, patience, pause, put, translated
from parrot.adapters.firestore_documents import SHARDS, fields_of, observation_of
from parrot.documents import instant, plain, restored_erasure
from parrot.duplicates import lookup, resembling
from parrot.errors import StoreUnavailable, TooManyRequests
from parrot.observation import Page

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from google.cloud.firestore import (
        CollectionReference,
        DocumentReference,
        DocumentSnapshot,
        WriteBatch,
    )

    from parrot.observation import Observation, Place, Status
    from parrot.receipt import Erasure
    from parrot.records import Embedded
    from parrot.store import Use

_TRIES = 20
_MOST_ANY = 30  # values of one `array_contains_any`
_MOST_WRITES = 100  # of one batch; Firestore takes 500, and at most 10 MiB
_MOST_KEYS = 300  # removed at once
_ERASURES_KEPT = timedelta(days=7)  # by Firestore's time-to-live policy, as `expires` says


def connect(project: str | None, database: str | None) -> FirestoreObservations:
    """The project's observations. No request is made."""
    return FirestoreObservations(Client(project, database=database))


class FirestoreObservations:
    """Only the backend reads and writes here; `firestore.rules` keep phones out."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(self, observation: Observation, use: Use | None = None) -> tuple[Observation, bool]:
        uid, name = observation.uid, observation.id
        for tries in range(_TRIES):
            pause(tries)
            with translated():
                batch = self._client.batch()
                batch.create(self._document(uid, name), fields_of(observation))
                try:
                    if use is not None:
                        self._count(batch, uid, use)
                except TooManyRequests:
                    stored = self.get(uid, name)
                    if stored is None:
                        raise
                    return stored, False
                if committed(batch):
                    return observation, True
            stored = self.get(uid, name)
            if stored is not None:
                return stored, False
        raise StoreUnavailable("too many concurrent changes to the observation")

    def get(self, uid: str, observation_id: str) -> Observation | None:
        with translated():
            snapshot = self._document(uid, observation_id).get(**patience())
        return observation_of(snapshot) if snapshot.exists else None

    def replace(self, observation: Observation, use: Use | None = None) -> Observation | None:
        place = self._document(observation.uid, observation.id)
        with translated():
            batch, read = self._client.batch(), place.get(**patience())
            changed = self._change(batch, read, observation)
            if changed is not None and use is not None:
                try:
                    self._count(batch, observation.uid, use)
                except TooManyRequests:  # unless this very change was made and counted just now
                    if place.get(**patience()).update_time == read.update_time:
                        raise
                    return None
            return changed if changed is not None and committed(batch) else None

    def replace_all(self, observations: Sequence[Observation]) -> tuple[Observation | None, ...]:
        results: list[Observation | None] = []
        for start in range(0, len(observations), _MOST_WRITES):
            some = observations[start : start + _MOST_WRITES]
            places = [self._document(observation.uid, observation.id) for observation in some]
            with translated():
                read = {row.id: row for row in self._client.get_all(places, **patience())}
                batch = self._client.batch()
                changed = [self._change(batch, read[each.id], each) for each in some]
                results += changed if committed(batch) else [None] * len(some)
        return tuple(results)

    def remove(self, observation: Observation) -> bool:
        place = self._document(observation.uid, observation.id)
        for _ in range(_TRIES):
            with translated():
                snapshot = place.get(**patience())
                if not snapshot.exists or observation_of(snapshot).version != observation.version:
                    return False
                batch = self._client.batch()
                batch.delete(place, Client.write_option(last_update_time=snapshot.update_time))
                if committed(batch):
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
        query = _where(self._collection(uid), "listed", "==", True)  # noqa: FBT003
        if species is not None:
            query = _where(query, "species", "==", species)
        if status is not None:
            query = _where(query, "status", "==", status.value)
        query = query.order_by("created", direction=Query.DESCENDING)
        query = query.order_by("id", direction=Query.DESCENDING)
        if after is not None:
            query = query.start_after({"created": instant(after.created), "id": after.id})
        rows = _all(query.limit(size + 1))
        return Page(rows[:size], rows[size - 1].place if len(rows) > size else None)

    def of(self, uid: str, *, limit: int) -> tuple[Observation, ...]:
        return _all(self._collection(uid).limit(limit))  # ordered by their names

    def everything(self) -> Iterator[Observation]:
        with translated():
            for snapshot in self._client.collection_group("observations").stream():
                yield observation_of(snapshot)

    def similar(self, uid: str, phashes: Collection[str]) -> tuple[Observation, ...]:
        candidates: dict[str, Observation] = {}
        wanted = list(lookup(phashes))
        for start in range(0, len(wanted), _MOST_ANY):
            some = wanted[start : start + _MOST_ANY]
            query = _where(self._collection(uid), "quarters", "array_contains_any", some)
            candidates |= {row.id: row for row in _all(query)}
        return resembling(phashes, candidates.values())

    def nearest(
        self, embedded: Embedded, *, uid: str | None, limit: int
    ) -> tuple[Observation, ...]:
        query = self._everybodys("example_space", "==", embedded.space)
        if uid is not None:
            query = _where(self._collection(uid), "space", "==", embedded.space)
        vector = Vector(embedded.vector)
        return _all(query.find_nearest("vector", vector, limit, DistanceMeasure.DOT_PRODUCT))

    def duplicates_of(self, uid: str, observation_id: str) -> tuple[Observation, ...]:
        query = _where(self._collection(uid), "duplicate_of", "==", observation_id)
        return tuple(sorted(_all(query), key=lambda twin: twin.place))

    def unfinished(self, *, before: datetime, limit: int) -> tuple[Observation, ...]:
        query = self._everybodys("unfinished", "array_contains_any", list(range(SHARDS)))
        query = _where(query, "updated", "<", instant(before))
        return _all(query.order_by("updated").limit(limit))

    def to_review(self, *, limit: int, below: float = math.inf) -> tuple[Observation, ...]:
        query = self._everybodys("urgency", ">=", 0)
        query = _where(query, "urgency", "<", below)
        return _all(query.order_by("urgency", direction=Query.DESCENDING).limit(limit))

    def by_handle(self, handle: str) -> Observation | None:
        found = _all(self._everybodys("handle", "==", handle).limit(1))
        return found[0] if found else None

    def by_reviewer(self, uid: str, *, limit: int) -> tuple[Observation, ...]:
        return _all(self._everybodys("reviewers", "array_contains", uid).limit(limit))

    def _everybodys(self, field: str, compares: str, value: object) -> Query:
        return _where(self._client.collection_group("observations"), field, compares, value)

    def take(self, uid: str, use: Use) -> int:
        for tries in range(_TRIES):
            pause(tries)
            with translated():
                batch = self._client.batch()
                used = self._count(batch, uid, use)
                if committed(batch):
                    return used
        raise StoreUnavailable("too many requests at once")

    def used(self, uid: str, quota: str) -> tuple[int, int]:
        with translated():
            return _used(self._document(uid, quota, "quotas").get(**patience()))

    def claim(self, uid: str, key: str, observation_id: str, *, expires: datetime, use: Use) -> str:
        # Firestore's time-to-live policy removes old claims by `expires`.
        place = self._document(uid, key, "keys")
        for tries in range(_TRIES):
            pause(tries)
            with translated():
                snapshot = place.get(**patience())
                stored = snapshot.to_dict() or {}
                if stored and stored["expires"].timestamp() > use.now:
                    return str(stored["observation"])
                batch = self._client.batch()
                put(batch, snapshot, {"observation": observation_id, "expires": expires})
                try:
                    self._count(batch, uid, use)
                except TooManyRequests:
                    return observation_id
                if committed(batch):
                    return observation_id
        raise StoreUnavailable("too many requests at once")

    def erasure(self, uid: str) -> Erasure | None:
        with translated():
            fields = self._document(uid, "last", "erasures").get(**patience()).to_dict()
        return restored_erasure(fields) if fields else None

    def keep(self, erasure: Erasure) -> Erasure | None:
        kept = replace(erasure, revision=erasure.revision + 1)
        fields = {**plain(kept), "expires": datetime.now(UTC) + _ERASURES_KEPT}
        with translated():
            snapshot = self._document(erasure.uid, "last", "erasures").get(**patience())
            if (snapshot.get("revision") if snapshot.exists else 0) != erasure.revision:
                return None
            batch = self._client.batch()
            put(batch, snapshot, fields)
            return kept if committed(batch) else None

    def forget(self, uid: str) -> None:
        keys = self._collection(uid, "keys")
        with translated():
            while rows := keys.limit(_MOST_KEYS).get(**patience()):
                batch = self._client.batch()
                for row in rows:
                    batch.delete(row.reference)
                batch.commit(**patience())

    def _count(self, batch: WriteBatch, uid: str, use: Use) -> int:
        """Add a use to a batch; the number of uses so far. Raises TooManyRequests.

        Firestore's time-to-live policy removes old counts by `expires`.
        """
        snapshot = self._document(uid, use.quota.name, "quotas").get(**patience())
        window, used = use.added(*_used(snapshot))
        put(batch, snapshot, {"window": window, "used": used, "expires": use.expires})
        return used

    def _change(
        self, batch: WriteBatch, read: DocumentSnapshot[Any], observation: Observation
    ) -> Observation | None:
        """Add a change to a batch, and return what it makes; None for a stale version."""
        if not read.exists or observation_of(read).version != observation.version:
            return None
        changed = observation.revised
        put(batch, read, fields_of(changed))
        return changed

    def _collection(self, uid: str, kind: str = "observations") -> CollectionReference:
        return self._client.collection("users", uid, kind)

    def _document(self, uid: str, name: str, kind: str = "observations") -> DocumentReference:
        return self._collection(uid, kind).document(name)


def _where(query: Query | CollectionReference, field: str, compares: str, value: object) -> Query:
    return query.where(filter=FieldFilter(field, compares, value))


def _all(query: Any) -> tuple[Observation, ...]:  # noqa: ANN401 - or a VectorQuery
    with translated():
        return tuple(observation_of(row) for row in query.get(**patience()))


def _used(stored: DocumentSnapshot[Any]) -> tuple[int, int]:
    fields = stored.to_dict() or {"window": 0, "used": 0}
    return int(fields["window"]), int(fields["used"])
