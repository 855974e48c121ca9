"""A bundle's files in Cloud Storage or in a folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import requests
from google.api_core.exceptions import GoogleAPIError, NotFound
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from google.cloud.storage.retry import DEFAULT_RETRY
from urllib3.exceptions import HTTPError

from parrot import deadline
from parrot.errors import BadBundle, StoreUnavailable

if TYPE_CHECKING:
    from pathlib import Path

    from google.cloud.storage import Client

FOLDER = "bundles"
CURRENT = f"{FOLDER}/current.json"
_TIMEOUT_SECONDS = 10.0  # between two reads
_WHOLE_SECONDS = 20.0
# Building holds a lock: give up early if the bucket cannot be reached.
_RETRY_SECONDS = 6.0


class BucketFiles:
    """`gs://BUCKET/bundles/VERSION/`."""

    def __init__(self, client: Client, bucket: str, version: str) -> None:
        """No request is made here."""
        self._client, self._bucket = client, bucket
        self._prefix = f"{FOLDER}/{version}"

    def read(self, name: str) -> bytes:
        """The whole file. Raises BadBundle if it does not exist, StoreUnavailable."""
        return _download(self._client, self._bucket, f"{self._prefix}/{name}")


class FolderFiles:
    """A local folder: a bundle that was just built, or `models/default`."""

    def __init__(self, folder: Path) -> None:
        """Nothing is read here."""
        self._folder = folder

    def read(self, name: str) -> bytes:
        """The whole file. Raises BadBundle if it cannot be read."""
        try:
            return (self._folder / name).read_bytes()
        except OSError as error:
            raise BadBundle(f"{self._folder / name} cannot be read: {error.strerror}") from error


def current_version(client: Client, bucket: str) -> tuple[str, str]:
    """The version and manifest sha256 in `current.json`. Raises BadBundle, StoreUnavailable.

    Anyone who can write to the bucket can change both: this is a pointer, not a pin.
    """
    data = _download(client, bucket, CURRENT)
    try:
        raw = json.loads(data)
        return str(raw["version"]), str(raw["manifest_sha256"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadBundle(f"gs://{bucket}/{CURRENT} does not name a version: {error!r}") from error


def _download(client: Client, bucket: str, name: str) -> bytes:
    try:
        with deadline.within(_WHOLE_SECONDS):
            return bytes(
                client.bucket(bucket)
                .blob(name)
                .download_as_bytes(
                    timeout=deadline.left(_TIMEOUT_SECONDS),
                    retry=DEFAULT_RETRY.with_timeout(deadline.left(_RETRY_SECONDS)),
                )
            )
    except NotFound as error:
        raise BadBundle(f"gs://{bucket}/{name} does not exist") from error
    except (
        GoogleAPIError,
        GoogleAuthError,
        DataCorruption,
        InvalidResponse,
        requests.RequestException,
        HTTPError,
        OSError,
    ) as error:
        raise StoreUnavailable(
            f"gs://{bucket}/{name} cannot be read right now ({type(error).__name__})"
        ) from error
