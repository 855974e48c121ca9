"""The composition root: the only place that builds real objects. Nothing is built at import.

Each part is built once, when it is first needed; a part that failed is tried again by the next
request, so that an instance outlives a bucket that is unreachable for a minute. Builders
import what they build, so that each function's cold start pays only for what it uses.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, TypeVar, cast

from parrot import logs
from parrot.config import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from firebase_admin import App
    from google.cloud.storage import Client

    from parrot.adapters.firestore import FirestoreObservations
    from parrot.adapters.photo_store import BucketPhotos
    from parrot.adapters.sqlite import SqliteObservations
    from parrot.budget import Budget
    from parrot.cache import CachedClassifier
    from parrot.classify import Classifier, ModelServer
    from parrot.decoder import Decoder
    from parrot.http.caller import AppCheck, Identity
    from parrot.model.bundle import Bundle, BundleFiles
    from parrot.model.gate import Gate
    from parrot.model.species import SpeciesTable
    from parrot.observations import Observer
    from parrot.process import Processor
    from parrot.quota import Meter
    from parrot.save import Saver
    from parrot.sweep import Sweeper
    from parrot.tokens import Downloads
    from parrot.visitors import Visitors

    T = TypeVar("T")

_LOCK = threading.RLock()
_POOL = 32  # connections kept
_MINUTE, _DAY = 60, 24 * 60 * 60


def _once(build: Callable[[], T]) -> Callable[[], T]:
    """Like functools.cache, but two threads at once do not build twice."""
    built: list[T] = []

    def get() -> T:
        if not built:
            with _LOCK:
                if not built:
                    built.append(build())
        return built[0]

    return get


class _Late:
    """Stands for a part that is built when one of its methods is first looked up."""

    def __init__(self, build: Callable[[], object]) -> None:
        self._build = build

    def __getattr__(self, name: str) -> object:
        return getattr(self._build(), name)


def start() -> Settings:
    """Configure logging, then read the settings. Every entry point calls this first.

    Raises BadConfig.
    """
    logs.configure(os.environ.get("GOOGLE_CLOUD_PROJECT"))
    config = settings()
    logs.key_users(config.download_secrets[0] if config.download_secrets else None)
    return config


@_once
def settings() -> Settings:
    """What the environment says. Raises BadConfig."""
    return Settings.from_env(os.environ)


@_once
def body_budget() -> Budget:
    """The budget that the bodies of all requests share."""
    from parrot.budget import BODY_BYTES, Budget

    return Budget(BODY_BYTES)


@_once
def decoder() -> Decoder:
    """Raises BadConfig."""
    from parrot.budget import DECODING_BYTES, Budget
    from parrot.decoder import Decoder

    return Decoder(Budget(DECODING_BYTES), max_pixels=settings().max_photo_pixels)


@_once
def classifier() -> Classifier:
    """Raises BadConfig, BadBundle, StoreUnavailable."""
    from parrot.classify import Classifier

    return Classifier(_bundle(), _model_server(), decoder())


@_once
def cached_classifier() -> Classifier | CachedClassifier:
    """Remembers answers. Raises BadConfig, BadBundle, StoreUnavailable."""
    from parrot.cache import CachedClassifier

    size = settings().classify_cache
    return CachedClassifier(classifier(), size=size) if size else classifier()


@_once
def classify_meter() -> Meter:
    """Raises BadConfig."""
    from parrot.quota import Meter, Quota

    return Meter(
        observation_store,
        Quota("classifications", settings().classifications_per_minute, _MINUTE),
    )


@_once
def visitors() -> Visitors:
    """Raises BadConfig."""
    from parrot.visitors import Visitors

    return Visitors(settings().classifications_per_address)


@_once
def relabel_meter() -> Meter:
    """Raises BadConfig."""
    from parrot.quota import Meter, Quota

    return Meter(observation_store, Quota("relabels", settings().relabels_per_day, _DAY))


@_once
def saver() -> Saver:
    """Raises BadConfig, StoreUnavailable."""
    from parrot.save import Saver

    return Saver(
        observation_store(), photo_store(), observation_store(), decoder(), meter=_save_meter()
    )


@_once
def processor() -> Processor:
    """Raises BadConfig, BadBundle, StoreUnavailable."""
    from parrot.budget import DECODING_BYTES, Budget
    from parrot.classify import Classifier
    from parrot.decoder import Decoder
    from parrot.process import Processor

    config = settings()
    # Stored photos come back until they are finished: one that takes for ever must end its decoder,
    # not this process.
    decoder = Decoder(Budget(DECODING_BYTES), max_pixels=config.max_photo_pixels, isolated=True)
    bundle = _bundle()
    return Processor(
        observation_store(),
        photo_store(),
        Classifier(bundle, _model_server(), decoder),
        bundle.species,
        decoder,
        meter=_save_meter(),
        bucket=config.bucket,
        max_bytes=config.max_photo_bytes,
        max_attempts=config.process_attempts,
    )


@_once
def sweeper() -> Sweeper:
    """Raises BadConfig, BadBundle, StoreUnavailable."""
    from parrot.observations import Observer
    from parrot.sweep import Sweeper

    store, photos = observation_store(), photo_store()
    return Sweeper(store, photos, processor(), Observer(store, photos), bucket=settings().bucket)


@_once
def observer() -> Observer:
    """Raises BadConfig, StoreUnavailable."""
    from parrot.observations import Observer

    # A list needs no bucket, whose client takes 0.2 s to import.
    return Observer(observation_store(), cast("BucketPhotos", _Late(photo_store)))


@_once
def downloads() -> Downloads:
    """Raises BadConfig."""
    from parrot.tokens import Downloads

    return Downloads(settings().download_secrets)


@_once
def identity() -> Identity:
    """Raises BadConfig."""
    if settings().identity == "local":
        from parrot.adapters.identity import LocalIdentity

        return LocalIdentity()
    from parrot.adapters.firebase import FirebaseIdentity  # 0.2 s

    return FirebaseIdentity(_firebase(), check_revoked=settings().check_revoked)


@_once
def app_check() -> AppCheck:
    """Raises BadConfig."""
    from parrot.adapters.firebase import FirebaseAppCheck  # 0.2 s

    return FirebaseAppCheck(_firebase())


@_once
def species() -> SpeciesTable:
    """The classes of the bundle in use, without its gate.

    Raises BadConfig, BadBundle, StoreUnavailable.
    """
    from parrot.model.bundle import load_species

    files, sha256 = _bundle_files()
    return load_species(files, sha256=sha256)


@_once
def observation_store() -> SqliteObservations | FirestoreObservations:
    """Observations and quotas. Raises BadConfig, StoreUnavailable."""
    config = settings()
    if config.sqlite_path is not None:
        from parrot.adapters.sqlite import SqliteObservations

        return SqliteObservations(config.sqlite_path)
    from google.cloud.firestore import Client  # 0.3 s

    from parrot.adapters.firestore import FirestoreObservations

    return FirestoreObservations(Client(config.project, database=config.firestore_database))


@_once
def photo_store() -> BucketPhotos:
    """Raises BadConfig, StoreUnavailable."""
    from parrot.adapters.photo_store import BucketPhotos

    return BucketPhotos(_storage(), settings().bucket)


@_once
def _save_meter() -> Meter:
    """Counts what `save` stores, and what phones upload directly."""
    from parrot.quota import Meter, Quota

    return Meter(observation_store, Quota("saves", settings().saves_per_day, _DAY))


@_once
def _firebase() -> App:
    from parrot.adapters.firebase import connect  # 0.2 s

    return connect(settings().project or "", credentialed=settings().check_revoked)


@_once
def _storage() -> Client:
    from google.cloud.storage import Client

    from parrot.adapters.timed_http import TimedAdapter

    client = Client()
    # As Google's documentation does for the pool's size.
    client._http.mount("https://", TimedAdapter(pool_maxsize=_POOL))  # noqa: SLF001
    client._http.mount("http://", TimedAdapter(pool_maxsize=_POOL))  # noqa: SLF001
    return client


@_once
def _bundle() -> Bundle:
    from parrot.model.bundle import Bundle

    config = settings()
    files, sha256 = _bundle_files()
    pinned = config.bundle_version is not None and config.bundle_sha256 is not None
    return Bundle.load(files, sha256=sha256, unpickle=_unpickle if pinned else None)


@_once
def _bundle_files() -> tuple[BundleFiles, str | None]:
    """The pinned bundle, or the one that `current.json` names; and its manifest's sha256."""
    from parrot.adapters.bundle_files import BucketFiles, current_version
    from parrot.model.manifest import version_name

    config = settings()
    version, sha256 = config.bundle_version, config.bundle_sha256
    if version is None:
        version, sha256 = current_version(_storage(), config.model_bucket)
    files: BundleFiles = BucketFiles(_storage(), config.model_bucket, version_name(version))
    if config.bundle_keys:
        from parrot.model.signature import SignedFiles

        files = SignedFiles(files, config.bundle_keys)
    return files, sha256


def _unpickle(pickles: Mapping[str, bytes], scikit_learn: str) -> Gate:
    from parrot.adapters.joblib_gate import unpickle  # scikit-learn: 0.8 s

    return unpickle(pickles, scikit_learn)


def _model_server() -> ModelServer:
    from requests import Session

    from parrot.adapters.guarded_model import GuardedModelServer
    from parrot.adapters.model_server import TfServing, VertexEndpoint, pooled, signed

    config = settings()
    if config.model_server_url is None:
        session, endpoints = pooled(signed(None)), config.vertex_endpoints
        return GuardedModelServer(VertexEndpoint(endpoints, session, timeout=config.model_timeout))
    session = Session() if config.model_auth == "none" else signed(config.model_server_url)
    return GuardedModelServer(
        TfServing(config.model_server_url, pooled(session), timeout=config.model_timeout)
    )
