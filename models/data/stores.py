"""Where a command finds what people saved, and what judges it.

`console.Store` names the observations; the bucket is beside them, and the local stack that is up.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from models.folders import DEPLOY_ENV, RUNNING
from parrot.consent import Training

if TYPE_CHECKING:
    from google.cloud.storage import Client

    from parrot.adapters.bucket import BucketPhotos
    from parrot.classify import ModelServer
    from parrot.model.bundle import Bundle
    from parrot.photo.decoder import Decoder
    from parrot.store import ObservationStore

_GS = "gs://"
_MODEL_SECONDS = 60.0  # a cold server loads its models first
_BUCKET_SECONDS = 20.0


def place(name: str) -> tuple[str, str, str | None]:
    """The kind, the path or project, and the database if it is named. Raises ValueError."""
    kind, _, rest = name.partition(":")
    if kind == "sqlite" and rest:
        return kind, rest, None
    project, _, database = rest.partition("/")
    if kind == "firestore" and project:
        return kind, project, database or None
    raise ValueError(f"{name!r} is neither sqlite:PATH nor firestore:PROJECT[/DATABASE]")


def release(bundle: str) -> tuple[str, str] | None:
    """The bucket and the version of a published bundle, None for a folder. Raises ValueError."""
    if not bundle.startswith(_GS):
        return None
    bucket, _, path = bundle.removeprefix(_GS).partition("/")
    version = path.removeprefix("bundles/").strip("/")
    if not version:
        raise ValueError(f"{bundle!r} is neither gs://BUCKET/bundles/VERSION nor a folder")
    return bucket, version


def observations(where: str) -> ObservationStore:
    """Raises ValueError, FileNotFoundError."""
    kind, name, database = place(where)
    if kind == "sqlite":
        from parrot.adapters.sqlite import SqliteObservations

        if not Path(name).is_file():
            raise FileNotFoundError(f"there is no file {name}")
        return SqliteObservations(Path(name))
    from parrot.adapters.firestore import connect

    return connect(name, database)


def photos(where: str, bucket: str) -> BucketPhotos:
    """The photos beside the observations.

    Raises ValueError if there is no such bucket, since every photo would be missing, or if `where`
    is no place; StoreUnavailable.
    """
    from google.api_core.exceptions import Forbidden, NotFound
    from google.cloud.storage.retry import DEFAULT_RETRY

    from parrot.adapters.bucket import BucketPhotos, translated

    client = storage(where)
    retry = DEFAULT_RETRY.with_timeout(_BUCKET_SECONDS)
    try:
        # Who may read photos may perhaps not list them.
        with translated(f"the bucket {bucket} cannot be reached"), suppress(Forbidden):
            found = client.list_blobs(bucket, max_results=1, timeout=_BUCKET_SECONDS, retry=retry)
            next(iter(found), None)
    except NotFound as error:
        raise ValueError(f"there is no bucket {bucket}") from error
    return BucketPhotos(client, bucket)


def storage(where: str) -> Client:
    """The storage beside the observations: of the local stack that is up, else Google's."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.storage import Client

    kind, name, _ = place(where)
    if kind == "firestore":
        return Client(name)  # a person's login names no project
    if os.environ.get("STORAGE_EMULATOR_HOST"):
        return Client()
    url = stack(where, "storage")
    if url is None:
        folder = Path(name).parent
        raise ValueError(f"the photos are in the local stack: ./dev.sh up --data {folder}")
    return Client("local", AnonymousCredentials(), client_options={"api_endpoint": url})


def stack(where: str, what: str) -> str | None:
    """What the local stack that is up on a SQLite store says of itself. Raises ValueError."""
    kind, name, _ = place(where)
    note = Path(name).parent / RUNNING
    if kind != "sqlite" or not note.is_file():
        return None
    value: str | None = json.loads(note.read_text()).get(what)
    return value


def training(where: str) -> Training:
    """The deployment's TRAINING: of the environment, else of deploy.env. Raises ValueError."""
    setting = os.environ.get("TRAINING", "")
    if not setting and place(where)[0] == "firestore" and DEPLOY_ENV.is_file():
        text = DEPLOY_ENV.read_text(encoding="utf-8")
        setting = "".join(re.findall(r"^TRAINING=[\"']?(\w*)", text, re.MULTILINE)[-1:])
    return Training(setting or Training.ASK)


def bundle(observations: str, where: str | None) -> Bundle:
    """At `gs://BUCKET/bundles/VERSION` or in a folder, else the local stack's.

    Signed, where the environment has keys.
    Raises ValueError, BadBundle, BadConfig, StoreUnavailable.
    """
    from parrot.adapters.bucket import BucketFiles, FolderFiles
    from parrot.model.bundle import Bundle, BundleFiles, SignedFiles

    where = where or _of_stack(observations, "bundle", "--bundle")
    files: BundleFiles = FolderFiles(Path(where))
    if (found := release(where)) is not None:
        files = BucketFiles(storage(observations), *found)
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
    """A version in a bucket of bundles, else in the local stack's. Raises as `bundle`."""
    root = bucket or _of_stack(observations, "bundles", "--bundles")
    return bundle(observations, f"{root.rstrip('/')}/bundles/{version}")


def model_server(observations: str, url: str | None) -> ModelServer:
    """The one at a URL, else the local stack's. Raises ValueError, ModelUnavailable."""
    from parrot.adapters.model_server import connect

    url = url or _of_stack(observations, "model_server", "--model-server")
    auth = os.environ.get("MODEL_AUTH") or ("id-token" if url.startswith("https:") else "none")
    return connect(url, {}, auth=auth, timeout=_MODEL_SECONDS)


def decoder() -> Decoder:
    """As `process` has one: strangers' photos are decoded in a child process. Raises BadConfig."""
    from parrot.config import MAX_PHOTO_PIXELS, MOST_PHOTO_PIXELS
    from parrot.environment import Reader
    from parrot.photo.decoder import Decoder

    read = Reader(os.environ)
    most = read.count("MAX_PHOTO_PIXELS", MAX_PHOTO_PIXELS, low=1, high=MOST_PHOTO_PIXELS)
    read.finish()
    return Decoder(max_pixels=most, isolated=True)


def _of_stack(observations: str, what: str, option: str) -> str:
    value = stack(observations, what)
    if value is None:
        raise ValueError(f"{option} is missing: only a local stack that is up has one")
    return value
