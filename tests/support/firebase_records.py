"""All that Firestore's and Storage's emulators hold: `python -m tests.support.firebase_records`."""

from __future__ import annotations

import hashlib
import json
import os

from google.cloud.firestore import Client

from local import stack


def records() -> dict[str, dict[str, dict[str, str]]]:
    """Every document, with all its fields, and every photo's bytes and type."""
    firestore = Client(stack.PROJECT)
    documents = {
        document.reference.path: {k: repr(v) for k, v in (document.to_dict() or {}).items()}
        for group in ("observations", "quotas", "keys")
        for document in firestore.collection_group(group).stream()
    }
    address = os.environ["FIREBASE_STORAGE_EMULATOR_HOST"]
    bucket = stack.storage_client(f"http://{address}").bucket(stack.BUCKET)
    photos = {
        blob.name: {
            "sha256": hashlib.sha256(blob.download_as_bytes()).hexdigest(),
            "type": blob.content_type,
        }
        for blob in bucket.list_blobs()
    }
    return {"documents": documents, "photos": photos}


if __name__ == "__main__":
    print(json.dumps(records()))  # noqa: T201
