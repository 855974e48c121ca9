"""Cloud Storage events, made up for tests."""

from typing import Any

from cloudevents.http import CloudEvent

from parrot.events import FINALIZED

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def event(data: Any = None, *, kind: str = FINALIZED, **changes: Any) -> CloudEvent:
    whole = {
        "kind": "storage#object",
        "bucket": "b",
        "name": f"photos/ana/{ID}",
        "generation": "1795399912250572",
        "size": "22",
        "contentType": "image/jpeg",
        "timeCreated": "2026-11-23T02:11:52.250567Z",
        "metadata": {"species": "nestor-notabilis", "firebaseStorageDownloadTokens": "t"},
    }
    attributes = {"type": kind, "source": "//storage.googleapis.com/projects/_/buckets/b"}
    return CloudEvent(attributes, {**whole, **changes} if data is None else data)
