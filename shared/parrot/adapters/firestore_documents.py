"""Observations as Firestore's documents: every field, and what queries need beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

from google.cloud.firestore_v1.vector import Vector

from parrot.documents import document, restored
from parrot.duplicates import quarters
from parrot.observation import Status
from parrot.review import example, handle, waiting

if TYPE_CHECKING:
    from google.cloud.firestore import DocumentSnapshot

    from parrot.observation import Observation

_UNFINISHED = (Status.PENDING, Status.DELETING)
# An index of rising times takes 500 writes a second, and this one is of all users: each shard has
# its own part of it, and what is finished is in none.
SHARDS = 16


def observation_of(stored: DocumentSnapshot[Any]) -> Observation:
    """The observation of a document."""
    fields = stored.to_dict() or {}
    if fields.get("embedded"):
        fields["embedded"]["vector"] = fields["vector"]
    return restored(fields)


def fields_of(record: Observation) -> dict[str, Any]:
    """The document and what queries need. Always the same keys, so an update leaves no old one."""
    fields, embedded = document(record), record.embedded
    listed = record.status is not Status.DELETING
    if embedded is not None:
        del fields["embedded"]["vector"]  # searched only where it is at the top
    space = None if embedded is None else embedded.space
    return {
        **fields,
        "vector": None if embedded is None else Vector(embedded.vector),
        "space": space if listed else None,
        "example_space": space if example(record) else None,
        "species": record.label.species if record.label else None,
        "listed": listed,
        "unfinished": [crc32(record.id.encode()) % SHARDS] if record.status in _UNFINISHED else [],
        "handle": handle(record.uid, record.id),
        "urgency": waiting(record),
        "reviewers": [opinion.reviewer for opinion in record.opinions],
        "quarters": list(quarters(record.derived.phash)) if record.derived else [],
    }
