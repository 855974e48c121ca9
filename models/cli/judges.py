"""Where a command finds what judges photos: bundles, the model server, a decoder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from models import places
from models.data import stores

if TYPE_CHECKING:
    from parrot.classify import ModelServer
    from parrot.model.bundle import Bundle
    from parrot.photo.decoder import Decoder

_MODEL_SECONDS = 60.0  # a cold server loads its models first


def in_use(observations: str, place: str | None) -> Bundle:
    """The bundle at a place, else the local stack's. Raises as `bundle`."""
    return bundle(observations, place or _of_stack(observations, "bundle", "--bundle"))


def bundle(observations: str, place: str) -> Bundle:
    """At `gs://BUCKET/bundles/VERSION` or in a folder; signed, where the environment has keys.

    Raises ValueError, BadBundle, BadConfig, StoreUnavailable.
    """
    from parrot.adapters.bucket import BucketFiles, FolderFiles
    from parrot.model.bundle import Bundle, BundleFiles, SignedFiles

    files: BundleFiles = FolderFiles(Path(place))
    if (release := places.published(place)) is not None:
        files = BucketFiles(stores.storage(observations), *release)
    keys = trusted()
    return Bundle.load(SignedFiles(files, keys) if keys else files, sha256=None)


def trusted() -> tuple[bytes, ...]:
    """The environment's public keys, one of which must have signed a bundle. Raises BadConfig."""
    from parrot.environment import Reader

    read = Reader(os.environ)
    keys = read.public_keys("MODEL_BUNDLE_PUBLIC_KEY")
    read.finish()
    return keys


def published(observations: str, bucket: str | None, version: str) -> Bundle:
    """A version in a bucket of bundles, else in the local stack's. Raises as `in_use`."""
    root = bucket or _of_stack(observations, "bundles", "--bundles")
    return bundle(observations, f"{root.rstrip('/')}/bundles/{version}")


def model_server(observations: str, url: str | None) -> ModelServer:
    """The one at a URL, else the local stack's. Raises ValueError, ModelUnavailable."""
    from parrot.adapters.model_server import connect

    url = url or _of_stack(observations, "model_server", "--model-server")
    auth = os.environ.get("MODEL_AUTH") or ("id-token" if url.startswith("https:") else "none")
    return connect(url, {}, auth=auth, timeout=_MODEL_SECONDS)


def decoder() -> Decoder:
    """As `process` has one: strangers' photos are decoded in a process of their own."""
    from parrot.config import MAX_PHOTO_PIXELS
    from parrot.photo.decoder import Decoder

    most = int(os.environ.get("MAX_PHOTO_PIXELS") or MAX_PHOTO_PIXELS)
    return Decoder(max_pixels=most, isolated=True)


def _of_stack(observations: str, what: str, option: str) -> str:
    value = stores.stack(observations, what)
    if value is None:
        raise ValueError(f"{option} is missing: only a local stack that is up has one")
    return value
