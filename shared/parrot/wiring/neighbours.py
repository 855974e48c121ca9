"""What this service talks to: stores, bundles, the model server, and who callers are."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from parrot.wiring import Late, once, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from parrot.classify import ModelServer
    from parrot.http.caller import Identity
    from parrot.model.bundle import Bundle, BundleFiles
    from parrot.model.species import SpeciesTable
    from parrot.store import ObservationStore, PhotoStore


@once
def observation_store() -> ObservationStore:
    config = settings()
    if config.sqlite_path is not None:
        from parrot.adapters.sqlite import SqliteObservations

        return SqliteObservations(config.sqlite_path)
    from parrot.adapters.firestore import connect  # 0.3 s

    return connect(config.project, config.firestore_database)


@once
def photo_store() -> PhotoStore:
    from parrot.adapters.bucket import BucketPhotos, connect

    return BucketPhotos(connect(), settings().bucket)


@once
def late_photo_store() -> PhotoStore:
    """Opened by its first call: a list needs no bucket, whose client takes 0.2 s to import."""
    return cast("PhotoStore", Late(photo_store))


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
    from parrot.adapters.bucket import connect, current_version

    config = settings()
    version, sha256 = config.bundle_version, config.bundle_sha256
    if version is None:
        version, sha256 = current_version(connect(), config.model_bucket)
    return _published(version), sha256


def candidate(version: str) -> Bundle:
    """One that answers beside the bundle in use; nothing in it is unpickled."""
    from parrot.model.bundle import Bundle

    return Bundle.load(_published(version), sha256=settings().shadow_sha256)


def _published(version: str) -> BundleFiles:
    from parrot.adapters.bucket import BucketFiles, connect
    from parrot.model.manifest import version_name

    return signed(BucketFiles(connect(), settings().model_bucket, version_name(version)))


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
def identity() -> Identity:
    config = settings()
    if config.identity == "local":
        from parrot.http.caller import LocalIdentity

        return LocalIdentity(config.local_reviewers)
    from parrot.adapters.firebase import FirebaseIdentity, connect  # 0.2 s

    app = connect(config.project or "", credentialed=config.check_revoked)
    return FirebaseIdentity(app, check_revoked=config.check_revoked)


@once
def app_check() -> Callable[[str], None]:
    from parrot.adapters.firebase import FirebaseAppCheck, connect  # 0.2 s

    return FirebaseAppCheck(connect(settings().project or "", credentialed=False)).check
