"""A backfill: where everything is, as plain text that travels to workers, and opened on one."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from models.backfill.batches import Batched
from models.backfill.reclassify import Reclassifier, wanted
from parrot.adapters.bucket import BucketFiles, BucketPhotos, FolderFiles
from parrot.adapters.model_server import TfServing, signed, unsigned
from parrot.budget import DECODING_BYTES, Budget
from parrot.classify import Classifier
from parrot.config import MAX_PHOTO_BYTES, MAX_PHOTO_PIXELS
from parrot.errors import BackendError
from parrot.model.bundle import Bundle
from parrot.photo.decoder import Decoder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from google.cloud.storage import Client

    from parrot.adapters.firestore import FirestoreObservations
    from parrot.adapters.sqlite import SqliteObservations

Key = tuple[str, str]  # uid, id
_MODEL_SECONDS = 60.0  # for a whole batch
_TRIES = 6
_FIRST_PAUSE_SECONDS = 1.0  # then twice as long each time


@dataclass(frozen=True, slots=True)
class Job:
    """What to judge again, with what."""

    observations: str  # sqlite:PATH or firestore:PROJECT[/DATABASE]
    bucket: str  # with the photos
    bundle: str  # gs://BUCKET/bundles/VERSION, or a folder that every worker has
    sha256: str | None  # of the bundle's manifest
    model_server: str  # URL of a TF Serving REST API
    batch: int  # photos in one request; at most the server's max_batch_size
    max_photos: int | None


def candidates(job: Job, version: str) -> Iterator[Key]:
    """Whose verdict is of another bundle, `max_photos` at most. Raises StoreUnavailable."""
    found = 0
    for observation in open_store(job.observations).everything():
        if job.max_photos is not None and found >= job.max_photos:
            return
        if wanted(observation, version):
            found += 1
            yield observation.uid, observation.id


@dataclass(frozen=True, slots=True)
class Count:
    """How many observations there are, and how many of them would be judged again."""

    scanned: int
    wanted: int


def count(job: Job, version: str) -> Count:
    """What `candidates` would find. Raises StoreUnavailable."""
    scanned = found = 0
    for observation in open_store(job.observations).everything():
        if job.max_photos is not None and found >= job.max_photos:
            break
        scanned += 1
        found += wanted(observation, version)
    return Count(scanned, found)


class Worker:
    """Everything open, on one machine; a bundle of Beam's is one call."""

    def __init__(self, job: Job) -> None:
        """Raises BadBundle, StoreUnavailable."""
        bundle = open_bundle(job)
        server = Batched(_model_server(job.model_server), size=job.batch)
        self._threads = ThreadPoolExecutor(job.batch)
        self._decoder = Decoder(Budget(DECODING_BYTES), max_pixels=MAX_PHOTO_PIXELS)
        self._reclassifier = Reclassifier(
            open_store(job.observations),
            BucketPhotos(_storage(), job.bucket),
            Classifier(bundle, server, self._decoder),
            bundle=bundle.manifest.version,
            max_bytes=MAX_PHOTO_BYTES,
        )

    def reclassify(self, keys: Sequence[Key]) -> Counter[str]:
        """How many photos had which outcome. Raises BackendError, DeploymentError."""
        return Counter(self._threads.map(self._one, keys))

    def close(self) -> None:
        """Let the threads and the decoder's process go."""
        self._threads.shutdown()
        self._decoder.__exit__()

    def _one(self, key: Key) -> str:
        """A server that restarts or is overloaded gets a minute; what is done stays done."""
        pause = _FIRST_PAUSE_SECONDS
        for _ in range(_TRIES - 1):
            try:
                return self._reclassifier.reclassify(*key).value
            except BackendError:
                time.sleep(pause)
                pause *= 2
        return self._reclassifier.reclassify(*key).value


def open_store(where: str) -> SqliteObservations | FirestoreObservations:
    """Raises ValueError if `where` is malformed. No request is made."""
    kind, _, name = where.partition(":")
    if kind == "sqlite" and name:
        from parrot.adapters.sqlite import SqliteObservations  # noqa: PLC0415 - one of the two

        return SqliteObservations(Path(name))
    if kind == "firestore" and name:
        from google.cloud.firestore import Client  # noqa: PLC0415

        from parrot.adapters.firestore import FirestoreObservations  # noqa: PLC0415

        project, _, database = name.partition("/")
        return FirestoreObservations(Client(project=project, database=database or None))
    raise ValueError(f"{where!r} is neither sqlite:PATH nor firestore:PROJECT[/DATABASE]")


def open_bundle(job: Job) -> Bundle:
    """Raises BadBundle, StoreUnavailable."""
    if not job.bundle.startswith("gs://"):
        return Bundle.load(FolderFiles(Path(job.bundle)), sha256=job.sha256)
    bucket, _, path = job.bundle.removeprefix("gs://").partition("/")
    version = path.removeprefix("bundles/").strip("/")
    return Bundle.load(BucketFiles(_storage(), bucket, version), sha256=job.sha256)


def _storage() -> Client:
    from google.cloud.storage import Client  # noqa: PLC0415

    return Client()


def _model_server(url: str) -> TfServing:
    http = signed(url) if url.startswith("https://") else unsigned()
    return TfServing(url, http, timeout=_MODEL_SECONDS)
