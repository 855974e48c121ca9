"""The composition root: the only place that builds real objects. Nothing is built at import.

Each part is built once, when it is first asked for; a part that failed is tried again by the next
request, so that a bucket that was away for a minute does not cost the instance its life.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, TypeVar

import requests

from parrot import bundle, logs
from parrot.adapters.identity import LocalIdentity
from parrot.adapters.model_bundle import BucketBundle, current_version
from parrot.adapters.model_server import TfServing, VertexEndpoint, pooled
from parrot.classify import Classifier
from parrot.config import Settings
from parrot.manifest import version_name
from parrot.save import Saver

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from google.cloud.storage import Client

    from parrot.bundle import Bundle
    from parrot.classify import ModelServer
    from parrot.gate import Gate
    from parrot.species import SpeciesTable
    from parrot.web import Identity

    T = TypeVar("T")

_LOCK = threading.RLock()


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


@_once
def settings() -> Settings:
    """What the environment says. Raises BadConfig."""
    logs.configure()
    return Settings.from_env(os.environ)


@_once
def classifier() -> Classifier:
    """Raises BadConfig, BadBundle, StoreUnavailable."""
    return Classifier(_bundle(), _model_server(), max_pixels=settings().max_photo_pixels)


@_once
def saver() -> Saver:
    """Raises BadConfig, StoreUnavailable."""
    from parrot.adapters.photo_store import BucketPhotos  # noqa: PLC0415
    from parrot.adapters.sqlite import SqliteObservations  # noqa: PLC0415

    config = settings()
    if config.sqlite_path is None:
        raise AssertionError  # Settings.from_env lets nothing else through
    return Saver(
        SqliteObservations(config.sqlite_path),
        BucketPhotos(_storage(), config.bucket),
        max_pixels=config.max_photo_pixels,
    )


@_once
def identity() -> Identity:
    """Raises BadConfig."""
    settings()
    return LocalIdentity()


def species() -> SpeciesTable:
    """The classes of the bundle in use. Raises BadConfig, BadBundle, StoreUnavailable."""
    return _bundle().species


@_once
def _storage() -> Client:
    from google.cloud.storage import Client  # noqa: PLC0415

    return Client()


@_once
def _bundle() -> Bundle:
    config = settings()
    version, sha256 = config.bundle, config.bundle_sha256
    if version is None:
        version, sha256 = current_version(_storage(), config.model_bucket)
    return bundle.load(
        BucketBundle(_storage(), config.model_bucket, version_name(version)),
        sha256=sha256,
        trusted=config.bundle is not None and config.bundle_sha256 is not None,
        compile_joblib=_compile_joblib,
    )


def _compile_joblib(pickles: Mapping[str, bytes], scikit_learn: str) -> Gate:
    from parrot.adapters.joblib_gate import compile_gate  # noqa: PLC0415 - scikit-learn: 0.8 s

    return compile_gate(pickles, scikit_learn)


def _model_server() -> ModelServer:
    config = settings()
    if config.model_server_url is None:
        return VertexEndpoint(
            config.vertex_endpoints, pooled(_signed(None)), timeout=config.model_timeout
        )
    session = (
        requests.Session() if config.model_auth == "none" else _signed(config.model_server_url)
    )
    return TfServing(config.model_server_url, pooled(session), timeout=config.model_timeout)


def _signed(audience: str | None) -> requests.Session:
    """A session with Google's tokens: an ID token for an audience, or else an access token."""
    import google.auth  # noqa: PLC0415
    from google.auth.transport.requests import AuthorizedSession, Request  # noqa: PLC0415
    from google.oauth2 import id_token  # noqa: PLC0415

    if audience is not None:
        return AuthorizedSession(id_token.fetch_id_token_credentials(audience, Request()))
    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
    return AuthorizedSession(google.auth.default(scopes=scopes)[0])
