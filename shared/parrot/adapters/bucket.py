"""Photos and bundle files in Cloud Storage; bundle files in a folder."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import requests
from google.api_core.exceptions import GoogleAPIError, NotFound, PreconditionFailed
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage import Client
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from google.cloud.storage.retry import DEFAULT_RETRY
from urllib3.exceptions import HTTPError

from parrot import deadline
from parrot.adapters.timed_http import TimedAdapter
from parrot.errors import BadBundle, PhotoTooLarge, StoreUnavailable
from parrot.observation import DERIVED, PHOTOS, derived_folder
from parrot.store import OpenObject, StoredObject

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from google.cloud.storage import Blob

    from parrot.records import Photo

FOLDER = "bundles"
CURRENT = f"{FOLDER}/current.json"
_SHA256 = re.compile("[0-9a-f]{64}")
_MOST_LISTED = 1000  # objects at once
_POOL = 32  # connections kept
_TIMEOUT_SECONDS = 10.0  # between two reads
_WHOLE_SECONDS = 30.0  # for one operation, its retries too; a photo has at most 23 MiB
_BUNDLE_SECONDS = 20.0
# The library retries for two minutes; a phone hangs up long before, and building a part from a
# bundle holds a lock: give up early.
_RETRY_SECONDS = 6.0
_FAILURES = (
    GoogleAPIError,
    GoogleAuthError,
    DataCorruption,
    InvalidResponse,
    requests.RequestException,
    HTTPError,
    OSError,
    # What the library raises where an answer is not what it expects.
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
)


@cache
def connect() -> Client:
    """Google's client; its sessions keep the request's deadline. No request is made."""
    client = Client()
    # As Google's documentation does for the pool's size.
    client._http.mount("https://", TimedAdapter(pool_maxsize=_POOL))  # noqa: SLF001
    client._http.mount("http://", TimedAdapter(pool_maxsize=_POOL))  # noqa: SLF001
    return client


class BucketPhotos:
    """Originals are written once; only a save whose event was lost writes the same bytes again."""

    def __init__(self, client: Client, bucket: str) -> None:
        self._bucket = client.bucket(bucket)

    def put(self, object_name: str, photo: Photo, *, replacing: int = 0) -> int | None:
        blob = self._bucket.blob(object_name)
        # No Firebase download token, unlike in the first version: it would let anyone who has it
        # download the original, with its EXIF, forever.
        blob.metadata = {"sha256": photo.sha256}
        try:
            with translated("the photo cannot be stored now"):
                blob.upload_from_string(
                    photo.data,
                    content_type=photo.media_type,
                    if_generation_match=replacing,
                    checksum="crc32c",
                    **_patience(),
                )
                return int(blob.generation)
        except (NotFound, PreconditionFailed):
            return None

    def open(self, object_name: str) -> OpenObject | None:
        with translated("the photo cannot be read now"):
            blob = self._bucket.get_blob(object_name, **_patience())
            size, tag = (0, "") if blob is None else (int(blob.size), _tag(blob))
        if blob is None:
            return None

        def part(first: int, end: int) -> bytes:
            try:
                with translated("the photo cannot be read now"):
                    # The blob asks for its generation only (the local storage gives any).
                    options = {"raw_download": True, "checksum": None, **_patience()}
                    data = bytes(blob.download_as_bytes(start=first, end=end - 1, **options))
            except (NotFound, PreconditionFailed) as error:
                raise StoreUnavailable("the photo was replaced while it was read") from error
            if len(data) != end - first:
                raise StoreUnavailable("the photo cannot be read now (another part came)")
            return data

        return OpenObject(size, tag, part)

    def read_generation(self, object_name: str, generation: int, *, most: int) -> bytes | None:
        try:
            with translated("the photo cannot be read now"):
                # Looked up without the generation: with it, a versioned bucket finds deleted ones.
                live = self._bucket.get_blob(object_name, **_patience())
                if live is None or int(live.generation) != generation:
                    return None
                if int(live.size) > most:
                    raise PhotoTooLarge(size=int(live.size), limit=most)
                options = {"raw_download": True, "if_generation_match": generation, **_patience()}
                return bytes(self._bucket.blob(object_name).download_as_bytes(**options))
        except (NotFound, PreconditionFailed):
            return None

    def describe(self, object_name: str) -> StoredObject | None:
        with translated("the photo cannot be looked up now"):
            blob = self._bucket.get_blob(object_name, **_patience())
            if blob is None:
                return None
            stated = blob.metadata or {}
            species, training = stated.get("species"), stated.get("training")
            return StoredObject(
                generation=int(blob.generation),
                size=int(blob.size),
                content_type=blob.content_type or "",
                encoding=blob.content_encoding or "",
                created=blob.time_created or datetime.now(UTC),
                species=species if isinstance(species, str) else None,
                # Whatever is no clear yes is a no: silence would be a yes where it is `granted`.
                training=None if training is None else training == "true",
            )

    def generation(self, object_name: str) -> int | None:
        stored = self.describe(object_name)
        return None if stored is None else stored.generation

    def write_derived(self, object_name: str, data: bytes) -> None:
        blob = self._bucket.blob(object_name)
        blob.cache_control = "private, max-age=3600"
        blob.metadata = {"sha256": hashlib.sha256(data).hexdigest()}
        with translated("the photo cannot be stored now"):
            blob.upload_from_string(
                data, content_type="image/webp", checksum="crc32c", **_patience()
            )

    def list_derived(self, uid: str, observation_id: str) -> dict[str, int]:
        return self._list(derived_folder(uid, observation_id))

    def list_all(self, uid: str) -> dict[str, int]:
        return self._list(f"{PHOTOS}{uid}/") | self._list(f"{DERIVED}{uid}/")

    def delete(self, object_name: str, *, generation: int | None = None) -> None:
        with (
            contextlib.suppress(NotFound, PreconditionFailed),
            translated("the photo cannot be removed now"),
        ):
            self._bucket.blob(object_name).delete(if_generation_match=generation, **_patience())

    def _list(self, prefix: str) -> dict[str, int]:
        with translated("the photos cannot be listed now"):
            options = {"max_results": _MOST_LISTED, **_patience()}
            blobs = self._bucket.list_blobs(prefix=prefix, **options)
            return {blob.name: int(blob.generation) for blob in blobs}


class BucketFiles:
    """A bundle's files: `gs://BUCKET/bundles/VERSION/`."""

    def __init__(self, client: Client, bucket: str, version: str) -> None:
        self._client, self._bucket, self.version = client, bucket, version

    def read(self, name: str) -> bytes:
        return _bundle_file(self._client, self._bucket, f"{FOLDER}/{self.version}/{name}")


class FolderFiles:
    """A bundle's files in a local folder: one that was just built, or `models/default`."""

    version: str | None = None  # a folder may have any name

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes:
        try:
            return (self._folder / name).read_bytes()
        except OSError as error:
            raise BadBundle(f"{self._folder / name} cannot be read: {error.strerror}") from error


def current_version(client: Client, bucket: str) -> tuple[str, str]:
    """The version and manifest sha256 in `current.json`. Raises BadBundle, StoreUnavailable.

    Whoever may write to the bucket may change both: this is a pointer, not a pin.
    """
    data = _bundle_file(client, bucket, CURRENT)
    try:
        raw = json.loads(data)
        return str(raw["version"]), str(raw["manifest_sha256"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadBundle(f"gs://{bucket}/{CURRENT} does not name a version: {error!r}") from error


def _bundle_file(client: Client, bucket: str, name: str) -> bytes:
    place = f"gs://{bucket}/{name}"
    try:
        with translated("the bundle cannot be read right now", seconds=_BUNDLE_SECONDS):
            return bytes(client.bucket(bucket).blob(name).download_as_bytes(**_patience()))
    except NotFound as error:
        raise BadBundle(f"{place} does not exist") from error


def _tag(blob: Blob) -> str:
    """Of its bytes if their hash is known; of this generation where others wrote it."""
    sha256 = str((blob.metadata or {}).get("sha256"))
    return sha256[:32] if _SHA256.fullmatch(sha256) else f"{int(blob.generation):x}"


def _patience() -> dict[str, Any]:
    """How long one request may take, and how long it may be repeated."""
    seconds = deadline.left(_TIMEOUT_SECONDS)
    return {
        "timeout": seconds,
        "retry": DEFAULT_RETRY.with_timeout(min(seconds, _RETRY_SECONDS)),
    }


@contextmanager
def translated(what: str, *, seconds: float = _WHOLE_SECONDS) -> Iterator[None]:
    """The vendor's errors as StoreUnavailable, except those that are answers; within a time limit.

    The detail names only the error's class: its text may quote URLs with tokens.
    """
    try:
        with deadline.within(seconds):
            yield
    except (NotFound, PreconditionFailed):
        raise
    except _FAILURES as error:
        raise StoreUnavailable(f"{what} ({type(error).__name__})") from error
