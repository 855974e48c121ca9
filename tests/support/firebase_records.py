"""What Firestore and a bucket hold: `python -m tests.support.firebase_records FILE [fill]`.

Writes every document with all its fields, and every photo's digest and metadata. With `fill` it
first stores some, as the functions do.
"""

import hashlib
import json
import os
import sys
from datetime import timedelta
from pathlib import Path

from google.cloud import storage
from google.cloud.firestore import Client

from local import stack
from parrot.adapters.bucket import BucketPhotos
from parrot.adapters.firestore import FirestoreObservations
from parrot.photo import images
from parrot.receipt import Erasure
from tests.support.observations import NOW, observation, processed, use
from tests.support.photos import encoded, noise


def fill() -> None:
    """Two people's observations, finished and not, their counters, keys and photos.

    A third person has erased everything.
    """
    client = Client(stack.PROJECT)
    store = FirestoreObservations(client)
    photos = BucketPhotos(_storage(), stack.BUCKET)
    for uid in ("ana", "ben"):
        for number in range(20):
            saved = observation(number, uid) if number % 2 else processed(number, "0" * 16, uid)
            store.create(saved, use(0, limit=100))
            photos.put(saved.object_name, images.read(encoded(noise(seed=number))))
        expires = NOW + timedelta(days=7)
        store.claim(uid, "0" * 64, "id-00001", expires=expires, use=use(0, quota="keys"))
    erasure = Erasure("cleo", NOW, removed=2, bundles=("2026-11-22",), finished=NOW)
    store.keep(erasure)


def records() -> dict[str, object]:
    """By path or name."""
    firestore = Client(stack.PROJECT)
    documents = {
        document.reference.path: _plain(document.to_dict())
        for group in ("observations", "quotas", "keys", "erasures")
        for document in firestore.collection_group(group).stream()
    }
    photos = {
        blob.name: {
            "sha256": hashlib.sha256(blob.download_as_bytes()).hexdigest(),
            "type": str(blob.content_type),
            "metadata": _plain(blob.metadata),
        }
        for blob in _storage().bucket(stack.BUCKET).list_blobs()
    }
    return {"documents": documents, "photos": photos}


def _plain(fields: object) -> object:
    """As JSON has it, so that maps are equal whatever the order of their keys."""
    return json.loads(json.dumps(fields, default=str))


def _storage() -> storage.Client:
    address = os.environ["FIREBASE_STORAGE_EMULATOR_HOST"]
    return stack.storage_client(f"http://{address}")


if __name__ == "__main__":
    if sys.argv[2:] == ["fill"]:
        records()  # an emulator's first answer takes longer than the store waits
        fill()
    Path(sys.argv[1]).write_text(json.dumps(records()))
