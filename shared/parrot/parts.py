"""The parts that stories are built of: stores, vendors' clients, the bundle, the model server.

Each is built once, when it is first needed; see `parrot.wiring`.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, TypeVar

from parrot.config import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from firebase_admin import App
    from google.cloud.storage import Client

    from parrot.adapters.firestore import FirestoreObservations
    from parrot.adapters.photo_store import BucketPhotos
    from parrot.adapters.sqlite import SqliteObservations
    from parrot.classify import ModelServer
    from parrot.model.bundle import Bundle, BundleFiles
    from parrot.model.gate import Gate
    from parrot.photo.decoder import Decoder

    T = TypeVar("T")

_LOCK = threading.RLock()
_POOL = 32  # connections kept


def once(build: Callable[[], T]) -> Callable[[], T]:
    """Like functools.cache, but two threads at once do not build twice."""
    built: list[T] = []

    def get() -> T:
        if not built:
            with _LOCK:
                if not built:
                    built.append(build())
        return built[0]

    return get


@once
def settings() -> Settings:
    """What the environment says. Raises BadConfig."""
    return Settings.from_env(os.environ)


@once
def decoder() -> Decoder:
    """Raises BadConfig."""
    from parrot.budget import DECODING_BYTES, Budget
    from parrot.photo.decoder import Decoder

    return Decoder(Budget(DECODING_BYTES), max_pixels=settings().max_photo_pixels)


@once
def observation_store() -> SqliteObservations | FirestoreObservations:
    """Observations and quotas. Raises BadConfig, StoreUnavailable."""
    config = settings()
    if config.sqlite_path is not None:
        from parrot.adapters.sqlite import SqliteObservations

        return SqliteObservations(config.sqlite_path)
    from google.cloud.firestore import Client  # 0.3 s

    from parrot.adapters.firestore import FirestoreObservations

    return FirestoreObservations(Client(config.project, database=config.firestore_database))


@once
def photo_store() -> BucketPhotos:
    """Raises BadConfig, StoreUnavailable."""
    from parrot.adapters.photo_store import BucketPhotos

    return BucketPhotos(storage(), settings().bucket)


@once
def firebase() -> App:
    """Raises BadConfig."""
    from parrot.adapters.firebase import connect  # 0.2 s

    return connect(settings().project or "", credentialed=settings().check_revoked)


@once
def storage() -> Client:
    """Google's client; its sessions keep the request's deadline."""
    from google.cloud.storage import Client

    from parrot.adapters.timed_http import TimedAdapter

    client = Client()
    # As Google's documentation does for the pool's size.
    client._http.mount("https://", TimedAdapter(pool_maxsize=_POOL))  # noqa: SLF001
    client._http.mount("http://", TimedAdapter(pool_maxsize=_POOL))  # noqa: SLF001
    return client


@once
def bundle() -> Bundle:
    """Raises BadConfig, BadBundle, StoreUnavailable."""
    from parrot.model.bundle import Bundle

    config = settings()
    files, sha256 = bundle_files()
    pinned = config.bundle_version is not None and config.bundle_sha256 is not None
    return Bundle.load(files, sha256=sha256, unpickle=_unpickle if pinned else None)


@once
def bundle_files() -> tuple[BundleFiles, str | None]:
    """The pinned bundle, or the one that `current.json` names; and its manifest's sha256."""
    from parrot.adapters.bundle_files import BucketFiles, current_version
    from parrot.model.manifest import version_name

    config = settings()
    version, sha256 = config.bundle_version, config.bundle_sha256
    if version is None:
        version, sha256 = current_version(storage(), config.model_bucket)
    files: BundleFiles = BucketFiles(storage(), config.model_bucket, version_name(version))
    if config.bundle_keys:
        from parrot.model.bundle import SignedFiles

        files = SignedFiles(files, config.bundle_keys)
    return files, sha256


def _unpickle(pickles: Mapping[str, bytes], scikit_learn: str) -> Gate:
    from parrot.adapters.joblib_gate import unpickle  # scikit-learn: 0.8 s

    return unpickle(pickles, scikit_learn)


def model_server() -> ModelServer:
    """Raises BadConfig, ModelUnavailable."""
    from parrot.adapters.guarded_model import GuardedModelServer
    from parrot.adapters.model_server import TfServing, VertexEndpoint, signed, unsigned

    config = settings()
    url, seconds = config.model_server_url, config.model_timeout
    if url is None:
        server: ModelServer = VertexEndpoint(config.vertex_endpoints, signed(None), timeout=seconds)
    else:
        http = unsigned() if config.model_auth == "none" else signed(url)
        server = TfServing(url, http, timeout=seconds)
    return GuardedModelServer(server)
