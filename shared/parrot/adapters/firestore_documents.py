"""Observations as Firestore's documents: every field, and what queries need beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

from parrot.documents import document, restored
from parrot.duplicates import quarters
from parrot.observation import Status
from parrot.review import handle, waiting

if TYPE_CHECKING:
    from google.cloud.firestore import DocumentSnapshot

    from parrot.observation import Observation

_UNFINISHED = (Status.PENDING, Status.DELETING)
# An index of rising times takes 500 writes a second, and this one is of all users: each shard has
# its own part of it, and what is finished is in none.
SHARDS = 16


def observation_of(stored: DocumentSnapshot[Any]) -> Observation:
    """The observation of a document."""
    return restored(stored.to_dict() or {})


def fields_of(record: Observation) -> dict[str, Any]:
    """The document and what queries need. Always the same keys, so an update leaves no old one."""
    return {
        **document(record),
        "species": record.label.species if record.label else None,
        "listed": record.status is not Status.DELETING,
        "unfinished": [_shard(record.id)] if record.status in _UNFINISHED else [],
        "handle": handle(record.uid, record.id),
        "urgency": waiting(record),
        "reviewers": [opinion.reviewer for opinion in record.opinions],
        "quarters": list(quarters(record.derived.phash)) if record.derived else [],
    }


def _shard(observation_id: str) -> int:
    return crc32(observation_id.encode()) % SHARDS
