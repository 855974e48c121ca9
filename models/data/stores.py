"""Where a command finds what people saved: `console.Store` names it, and the bucket is beside."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from models import places
from models.folders import DEPLOY_ENV, RUNNING
from parrot.consent import Training

if TYPE_CHECKING:
    from google.cloud.storage import Client

    from parrot.adapters.bucket import BucketPhotos
    from parrot.store import ObservationStore


def observations(where: str) -> ObservationStore:
    """Raises ValueError, FileNotFoundError."""
    kind, name, database = places.store(where)
    if kind == "sqlite":
        from parrot.adapters.sqlite import SqliteObservations

        if not Path(name).is_file():
            raise FileNotFoundError(f"there is no file {name}")
        return SqliteObservations(Path(name))
    from parrot.adapters.firestore import connect

    return connect(name, database)


def photos(where: str, bucket: str) -> BucketPhotos:
    """The photos beside the observations. Raises ValueError, also if there is no such bucket."""
    from google.api_core.exceptions import Forbidden, NotFound

    from parrot.adapters.bucket import BucketPhotos

    client = storage(where)
    try:
        next(iter(client.list_blobs(bucket, max_results=1)), None)
    except NotFound as error:
        raise ValueError(f"there is no bucket {bucket}") from error
    except Forbidden:  # who may read photos, but not list them
        pass
    return BucketPhotos(client, bucket)


def storage(where: str) -> Client:
    """The storage beside the observations: of the local stack that is up, else Google's."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.storage import Client

    kind, name, _ = places.store(where)
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
    kind, name, _ = places.store(where)
    note = Path(name).parent / RUNNING
    if kind != "sqlite" or not note.is_file():
        return None
    value: str | None = json.loads(note.read_text()).get(what)
    return value


def training(where: str) -> Training:
    """The deployment's TRAINING: of the environment, else of deploy.env. Raises ValueError."""
    setting = os.environ.get("TRAINING", "")
    if not setting and places.store(where)[0] == "firestore" and DEPLOY_ENV.is_file():
        text = DEPLOY_ENV.read_text(encoding="utf-8")
        setting = "".join(re.findall(r"^TRAINING=[\"']?(\w*)", text, re.MULTILINE)[-1:])
    return Training(setting or Training.ASK)
