"""The composition root: only this builds real objects, and none at import.

Each part is built once, when it is first needed; a part that failed is tried again by the next
request, so that an instance outlives a bucket that is unreachable for a minute. Builders import
what they build, so that each function's cold start pays only for what it uses. Every builder raises
BadConfig; those that open a bucket, a store or a bundle raise StoreUnavailable and BadBundle too.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

from parrot import logs
from parrot.building import Late, once
from parrot.config import Settings

if TYPE_CHECKING:
    from parrot.budget import Budget
    from parrot.cache import CachedClassifier
    from parrot.classify import Classifier, ModelServer
    from parrot.erasure import Eraser
    from parrot.http.caller import AppCheck, Identity
    from parrot.model.bundle import Bundle, BundleFiles
    from parrot.model.species import SpeciesTable
    from parrot.observations import Observations
    from parrot.photo.decoder import Decoder
    from parrot.process import Processor
    from parrot.quota import CpuSeconds, Meter, Visitors
    from parrot.reviews import Reviews
    from parrot.save import Saver
    from parrot.store import ObservationStore, PeopleStore, PhotoStore
    from parrot.sweep import Sweeper
    from parrot.takeout import Takeout
    from parrot.tokens import Downloads

_MINUTE, _DAY = 60, 24 * 60 * 60


@once
def settings() -> Settings:
    """What the environment says."""
    return Settings.from_env(os.environ)


@once
def start() -> Settings:
    """Configure logging, then read the settings. Every entry point calls this first."""
    logs.configure(os.environ.get("GOOGLE_CLOUD_PROJECT"))
    config = settings()
    logs.key_users(config.download_secrets[0] if config.download_secrets else None)
    return config


@once
def body_budget() -> Budget:
    from parrot.budget import BODY_BYTES, Budget

    return Budget(BODY_BYTES)


@once
def decoder() -> Decoder:
    """For photos that a request brings: cheap ones are decoded in this process."""
    return _decoder()


def _decoder(*, isolated: bool = False) -> Decoder:
    from parrot.photo.decoder import Decoder

    return Decoder(max_pixels=settings().max_photo_pixels, isolated=isolated)


@once
def observation_store() -> ObservationStore:
    config = settings()
    if config.sqlite_path is not None:
        from parrot.adapters.sqlite import SqliteObservations

        return SqliteObservations(config.sqlite_path)
    from parrot.adapters.firestore import connect  # 0.3 s

    return connect(config.project, config.firestore_database)


@once
def people_store() -> PeopleStore:
    config = settings()
    observation_store()  # whose tables are in the same file
    if config.sqlite_path is not None:
        from parrot.adapters.sqlite_people import SqlitePeople

        return SqlitePeople(config.sqlite_path)
    from parrot.adapters.firestore_people import connect

    return connect(config.project, config.firestore_database)


@once
def photo_store() -> PhotoStore:
    from parrot.adapters.bucket import BucketPhotos, connect

    return BucketPhotos(connect(), settings().bucket)


def stores_answer() -> None:
    """Ask the database and the bucket for what is not there. Raises StoreUnavailable."""
    observation_store().get("ready", "ready")
    photo_store().generation("ready")


@once
def bundle() -> Bundle:
    """The pinned bundle, or the one that `current.json` names."""
    from parrot.adapters.joblib_gate import unpickle
    from parrot.model.bundle import Bundle

    config = settings()
    files, sha256 = bundle_files()
    pinned = config.bundle_version is not None and config.bundle_sha256 is not None
    return Bundle.load(files, sha256=sha256, unpickle=unpickle if pinned else None)


@once
def bundle_files() -> tuple[BundleFiles, str | None]:
    """Its files, which must be signed where keys are configured; its manifest's sha256."""
    from parrot.adapters.bucket import BucketFiles, connect, current_version
    from parrot.model.manifest import version_name

    config = settings()
    version, sha256 = config.bundle_version, config.bundle_sha256
    if version is None:
        version, sha256 = current_version(connect(), config.model_bucket)
    return signed(BucketFiles(connect(), config.model_bucket, version_name(version))), sha256


def signed(files: BundleFiles) -> BundleFiles:
    """Files that refuse to be read unless one of the configured keys signed them."""
    if not settings().bundle_keys:
        return files
    from parrot.model.bundle import SignedFiles

    return SignedFiles(files, settings().bundle_keys)


@once
def species() -> SpeciesTable:
    from parrot.model.bundle import load_species

    files, sha256 = bundle_files()
    return load_species(files, sha256=sha256)


@once
def model_server() -> ModelServer:
    """TF Serving or Vertex AI, left alone while it does not answer. Raises ModelUnavailable."""
    from parrot.adapters.guarded_model import GuardedModelServer

    return GuardedModelServer(unguarded_model_server())


def unguarded_model_server() -> ModelServer:
    """For work that can wait for a server that is away. Raises ModelUnavailable."""
    from parrot.adapters.model_server import connect

    config = settings()
    return connect(
        config.model_server_url,
        config.vertex_endpoints,
        auth=config.model_auth,
        timeout=config.model_timeout,
    )


@once
def classifier() -> Classifier:
    """Raises ModelUnavailable too."""
    from parrot.classify import Classifier

    return Classifier(bundle(), model_server(), decoder())


@once
def cached_classifier() -> Classifier | CachedClassifier:
    from parrot.cache import CachedClassifier

    size = settings().classify_cache
    return CachedClassifier(classifier(), size=size) if size else classifier()


def _meter(name: str, limit: int, seconds: int) -> Meter:
    from parrot.quota import Meter, Quota

    return Meter(observation_store, Quota(name, limit, seconds))


@once
def classify_meter() -> Meter:
    return _meter("classifications", settings().classifications_per_minute, _MINUTE)


@once
def relabel_meter() -> Meter:
    return _meter("relabels", settings().relabels_per_day, _DAY)


@once
def save_meter() -> Meter:
    """Counts what `save` stores, and what phones upload directly."""
    return _meter("saves", settings().saves_per_day, _DAY)


@once
def visitors() -> Visitors:
    from parrot.quota import Visitors

    return Visitors(settings().classifications_per_address)


@once
def cpu_seconds() -> CpuSeconds:
    from parrot.quota import CpuSeconds

    return CpuSeconds(settings().cpu_seconds_per_caller)


@once
def downloaded() -> Visitors:
    """Bytes of files, counted in memory: a shared counter would cost a write for each thumbnail."""
    from parrot.quota import DOWNLOADED, Visitors

    return Visitors(settings().download_mib_per_minute * 2**20, quota=DOWNLOADED)


@once
def saver() -> Saver:
    from parrot.save import Saver

    return Saver(
        observation_store(),
        photo_store(),
        decoder(),
        meter=save_meter(),
        training=settings().training,
    )


@once
def processor() -> Processor:
    from functools import partial

    from parrot import progress
    from parrot.classify import Classifier
    from parrot.process import Processor

    config = settings()
    # Stored photos are retried until they are finished: one that never ends must kill its decoder,
    # not this process.
    isolated = _decoder(isolated=True)
    return Processor(
        observation_store(),
        photo_store(),
        Classifier(bundle(), model_server(), isolated),
        partial(progress.adopted, species=bundle().species, training=config.training),
        isolated,
        meter=save_meter(),
        cpu_seconds=cpu_seconds(),
        bucket=config.bucket,
        max_bytes=config.max_photo_bytes,
        max_attempts=config.process_attempts,
    )


@once
def sweeper() -> Sweeper:
    from parrot.sweep import Sweeper

    return Sweeper(
        observation_store(), photo_store(), processor(), observations(), bucket=settings().bucket
    )


@once
def observations() -> Observations:
    from parrot.observations import Observations

    # A list needs no bucket, whose client takes 0.2 s to import.
    photos = cast("PhotoStore", Late(photo_store))
    return Observations(observation_store(), photos, training=settings().training)


@once
def takeout() -> Takeout:
    from parrot.takeout import Takeout

    return Takeout(observation_store(), cast("PhotoStore", Late(photo_store)))


@once
def eraser() -> Eraser:
    from parrot.erasure import Eraser

    config, remove = settings(), None
    if config.delete_users and config.identity == "firebase":
        from parrot.adapters.firebase import FirebaseUsers, connect

        remove = FirebaseUsers(connect(config.project or "", credentialed=True)).remove
    return Eraser(
        observation_store(), people_store(), photo_store(), observations(), remove_user=remove
    )


@once
def reviews() -> Reviews:
    from parrot.model.bundle import load_labels
    from parrot.reviews import Reviews

    files, sha256 = bundle_files()
    return Reviews(
        observation_store(),
        cast("PhotoStore", Late(photo_store)),
        load_labels(files, sha256=sha256),
    )


@once
def downloads() -> Downloads:
    from parrot.tokens import Downloads

    return Downloads(settings().download_secrets)


@once
def identity() -> Identity:
    config = settings()
    if config.identity == "local":
        from parrot.http.caller import LocalIdentity

        return LocalIdentity(config.local_reviewers)
    from parrot.adapters.firebase import FirebaseIdentity, connect  # 0.2 s

    app = connect(config.project or "", credentialed=config.check_revoked)
    return FirebaseIdentity(app, check_revoked=config.check_revoked)


@once
def app_check() -> AppCheck:
    from parrot.adapters.firebase import FirebaseAppCheck, connect  # 0.2 s

    return FirebaseAppCheck(connect(settings().project or "", credentialed=False))
