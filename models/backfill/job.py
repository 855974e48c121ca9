"""Work as plain data that travels to workers, and opened on one: a backfill, or an export.

A backfill's worker is configured like a function, by its environment, and `wiring` builds its parts
from that.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from models.backfill.batches import Batched
from models.backfill.reclassify import Reclassifier, wanted
from models.data import export_folder, saved_photos, stores
from models.data.export_folder import ExportFolder
from models.data.saved_photos import Copier, Decision, Exported, Leaving
from models.patience import each
from parrot import wiring
from parrot.adapters.bucket import FolderFiles
from parrot.classify import Classifier
from parrot.consent import Training
from parrot.model.bundle import Bundle
from parrot.wiring import neighbours, stories

Key = tuple[str, str]  # uid, id
# What the operator's environment may say, as a function's does.
_KEPT = ("MAX_PHOTO_BYTES", "MAX_PHOTO_PIXELS", "MODEL_AUTH", "MODEL_BUNDLE_PUBLIC_KEY")
_MODEL_SECONDS = "60"  # for a whole batch


@dataclass(frozen=True, slots=True)
class Job:
    """What to judge again, with what."""

    environment: dict[str, str]
    folder: str | None  # with the bundle, on every worker; None: the environment names a bundle
    batch: int  # photos in one request; at most the server's max_batch_size
    max_photos: int | None

    def find(self) -> Iterator[Key]:
        """Whose verdict is of another bundle, `max_photos` at most; called on one worker.

        Raises BadBundle, StoreUnavailable.
        """
        version = open_bundle(self).manifest.version
        return (key for key in scan(self, version) if key is not None)

    @contextmanager
    def open(self) -> Iterator[Callable[[Sequence[Key]], Counter[str]]]:
        """On a worker. Raises BadConfig, BadBundle, StoreUnavailable, ModelUnavailable.

        What it gives raises BackendError, DeploymentError.
        """
        bundle = open_bundle(self)
        # Not the guarded one: a batch waits for a server that is away.
        server = Batched(neighbours.unguarded_model_server(), size=self.batch)
        with stories.decoder() as decoder:
            reclassifier = Reclassifier(
                neighbours.observation_store(),
                neighbours.photo_store(),
                Classifier(bundle, server, decoder),
                bundle=bundle.manifest.version,
                max_bytes=wiring.settings().max_photo_bytes,
            )

            def share(keys: Sequence[Key]) -> Counter[str]:
                again = reclassifier.reclassify
                return Counter(each(lambda key: again(*key).value, keys, at_once=self.batch))

            yield share


def job(  # noqa: PLR0913 - the options of one command
    observations: str,
    bucket: str,
    *,
    bundle: str,
    sha256: str | None,
    model_server: str,
    batch: int,
    max_photos: int | None,
) -> Job:
    """A job, from what the command line says. Raises ValueError."""
    published = stores.release(bundle)
    model_bucket, version = published or (bucket, "")
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | {
        **_store(observations),
        "BUCKET": bucket,
        "MODEL_BUCKET": model_bucket,
        "MODEL_BUNDLE": version,
        "MODEL_BUNDLE_SHA256": sha256 or "",
        "MODEL_SERVER_URL": model_server,
        "VERTEX_ENDPOINTS": "",
        "MODEL_TIMEOUT_SECONDS": _MODEL_SECONDS,
        "IDENTITY": "local",  # nobody calls a worker
    }
    return Job(environment, None if published else bundle, batch, max_photos)


def _store(observations: str) -> dict[str, str]:
    kind, name, database = stores.place(observations)
    if kind == "sqlite":
        return {"OBSERVATIONS": observations}
    where = f"firestore:{database}" if database else "firestore"
    return {"OBSERVATIONS": where, "GOOGLE_CLOUD_PROJECT": name}


def open_bundle(job: Job) -> Bundle:
    """Raises BadConfig, BadBundle, StoreUnavailable."""
    os.environ.update(job.environment)
    if job.folder is None:
        return neighbours.bundle()
    files = neighbours.signed(FolderFiles(Path(job.folder)))
    return Bundle.load(files, sha256=wiring.settings().bundle_sha256)


def scan(job: Job, version: str) -> Iterator[Key | None]:
    """The key of each that `find` finds, None for each other. Raises StoreUnavailable."""
    os.environ.update(job.environment)
    left = job.max_photos
    for observation in neighbours.observation_store().everything():
        if left == 0:
            return
        chosen = wanted(observation, version)
        if chosen and left is not None:
            left -= 1
        yield (observation.uid, observation.id) if chosen else None


@dataclass(frozen=True, slots=True)
class ExportJob:
    """What to export, and to where."""

    observations: str  # as the command line names it
    bucket: str
    species_csv: bytes
    out: str
    bundle: str
    training: Training
    batch: int = 64

    def find(self) -> Sequence[Leaving]:
        """Decided at once, in one place: it depends on everybody. Raises StoreUnavailable."""
        return self._decided().leaving

    @contextmanager
    def open(self) -> Iterator[Callable[[Sequence[Leaving]], Counter[str]]]:
        """On a worker. Raises ValueError, FileNotFoundError, StoreUnavailable."""
        store, folder = stores.observations(self.observations), self.folder()
        photos = stores.photos(self.observations, self.bucket)
        yield Copier(store, photos, folder, self.bundle, folder.photos()).share

    def folder(self) -> ExportFolder:
        """Where it is written. Raises ValueError."""
        client = lambda: stores.storage(self.observations)  # noqa: E731
        return export_folder.opened(self.out, client, not_in=self.bucket)

    def finish(self) -> Exported:
        """List what was copied: decided again, since people went on meanwhile.

        What may leave by now, and was neither copied nor noted, waits for the next run. Raises
        BadBundle, StoreUnavailable.
        """
        decision = self._decided()
        return saved_photos.finish(decision, self.folder(), self.species_csv, learnt_by=self.bundle)

    def _decided(self) -> Decision:
        store = stores.observations(self.observations)
        return saved_photos.decide(store, self.species_csv, training=self.training)
