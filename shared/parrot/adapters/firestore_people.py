"""What Firestore keeps about people beside their observations: below `users/{uid}` too."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from google.cloud.firestore import Client

from parrot.adapters.firestore_calls import committed, patience, put, translated
from parrot.receipt import Erasure, document, restored

if TYPE_CHECKING:
    from google.cloud.firestore import DocumentReference, DocumentSnapshot

_KEPT = timedelta(days=7)
_PAGE = 300


def connect(project: str | None, database: str | None) -> FirestorePeople:
    """The project's. No request is made."""
    return FirestorePeople(Client(project, database=database))


class FirestorePeople:
    """Firestore's time-to-live policy removes erasures by `expires`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def erasure(self, uid: str) -> Erasure | None:
        with translated():
            return _erasure(self._place(uid).get(**patience()))

    def keep(self, erasure: Erasure) -> Erasure | None:
        place, kept = self._place(erasure.uid), replace(erasure, revision=erasure.revision + 1)
        fields = {**document(kept), "expires": datetime.now(UTC) + _KEPT}
        with translated():
            snapshot = place.get(**patience())
            stored = _erasure(snapshot)
            if (stored.revision if stored else 0) != erasure.revision:
                return None
            batch = self._client.batch()
            put(batch, snapshot, fields)
            return kept if committed(batch) else None

    def forget(self, uid: str) -> None:
        keys = self._user(uid).collection("keys")
        with translated():
            while rows := keys.limit(_PAGE).get(**patience()):
                batch = self._client.batch()
                for row in rows:
                    batch.delete(row.reference)
                batch.commit(**patience())

    def _user(self, uid: str) -> DocumentReference:
        return self._client.collection("users").document(uid)

    def _place(self, uid: str) -> DocumentReference:
        place: DocumentReference = self._user(uid).collection("erasures").document("last")
        return place


def _erasure(stored: DocumentSnapshot[Any]) -> Erasure | None:
    fields = stored.to_dict()
    return restored(fields) if fields else None
