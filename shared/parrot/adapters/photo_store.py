"""Photos in a Cloud Storage bucket."""

from __future__ import annotations

import contextlib
import io
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import requests
from google.api_core.exceptions import GoogleAPIError, NotFound, PreconditionFailed
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from google.cloud.storage.retry import DEFAULT_RETRY
from urllib3.exceptions import HTTPError

from parrot import deadline
from parrot.errors import PhotoTooLarge, StoreUnavailable
from parrot.observation import derived_folder
from parrot.records import StoredObject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.cloud.storage import Client
    from typing_extensions import Buffer

    from parrot.records import Photo

_TIMEOUT_SECONDS = 10.0  # between two reads
_WHOLE_SECONDS = 30.0  # for one operation, its retries too; a photo has at most 23 MiB
MAX_STORED_BYTES = 24 * 2**20  # more than any deployment may let `save` or the rules accept
# What the library raises where an answer is not what it expects.
_GARBAGE = (ValueError, TypeError, KeyError, AttributeError)
# The library retries for two minutes; a phone hangs up long before.
_RETRY_SECONDS = 6.0


class BucketPhotos:
    """Originals are written once; only a save whose event was lost writes the same one again."""

    def __init__(self, client: Client, bucket: str) -> None:
        """No request is made here."""
        self._bucket = client.bucket(bucket)

    def put(self, object_name: str, photo: Photo, *, replacing: int = 0) -> int | None:
        """Upload unless it exists; the generation that this call wrote, or None.

        `replacing` is the generation that may exist. Raises StoreUnavailable.
        """
        blob = self._bucket.blob(object_name)
        # No Firebase download token, unlike in the first version: it would let anyone who has it
        # download the original, with its EXIF, forever.
        blob.metadata = {"sha256": photo.sha256}
        try:
            with _translated("stored"):
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

    def read(self, object_name: str) -> bytes | None:
        """The live object as it is stored, or None if there is none.

        Raises StoreUnavailable, PhotoTooLarge for what nobody may upload.
        """
        try:
            with _translated("read"):
                return self._download(object_name, MAX_STORED_BYTES)
        except NotFound:
            return None

    def read_generation(self, object_name: str, generation: int, *, most: int) -> bytes | None:
        """The object, or None if this generation is not the live one.

        The bytes as they are stored: an object with a Content-Encoding is not unpacked, and no more
        than `most` are kept. Raises StoreUnavailable, PhotoTooLarge.
        """
        try:
            with _translated("read"):
                # Looked up without the generation: with it, a versioned bucket finds deleted ones.
                if self._generation(object_name) != generation:
                    return None
                return self._download(object_name, most, if_generation_match=generation)
        except (NotFound, PreconditionFailed):
            return None

    def describe(self, object_name: str) -> StoredObject | None:
        """The live object's metadata, or None if there is none. Raises StoreUnavailable."""
        with _translated("looked up"):
            blob = self._bucket.get_blob(object_name, **_patience())
            if blob is None:
                return None
            species = (blob.metadata or {}).get("species")
            return StoredObject(
                generation=int(blob.generation),
                size=int(blob.size),
                content_type=blob.content_type or "",
                encoding=blob.content_encoding or "",
                created=blob.time_created or datetime.now(UTC),
                species=species if isinstance(species, str) else None,
            )

    def generation(self, object_name: str) -> int | None:
        """The live object's generation, or None if there is none. Raises StoreUnavailable."""
        with _translated("looked up"):
            return self._generation(object_name)

    def write_derived(self, object_name: str, data: bytes) -> None:
        """Store a WebP file, replacing the one that may exist. Raises StoreUnavailable."""
        blob = self._bucket.blob(object_name)
        blob.cache_control = "private, max-age=3600"
        with _translated("stored"):
            blob.upload_from_string(
                data,
                content_type="image/webp",
                checksum="crc32c",
                **_patience(),
            )

    def list_derived(self, uid: str, observation_id: str) -> dict[str, int]:
        """Generation by name of everything derived from one photo. Raises StoreUnavailable."""
        prefix = derived_folder(uid, observation_id)
        with _translated("listed"):
            blobs = self._bucket.list_blobs(prefix=prefix, **_patience())
            return {blob.name: int(blob.generation) for blob in blobs}

    def delete(self, object_name: str, *, generation: int | None = None) -> None:
        """Remove an object, or only this generation of it. Raises StoreUnavailable.

        No error if there is none.
        """
        with contextlib.suppress(NotFound, PreconditionFailed), _translated("removed"):
            self._bucket.blob(object_name).delete(if_generation_match=generation, **_patience())

    def _download(self, object_name: str, most: int, **conditions: int) -> bytes:
        received = _Bounded(most)
        self._bucket.blob(object_name).download_to_file(
            received, raw_download=True, **_patience(), **conditions
        )
        return received.getvalue()

    def _generation(self, object_name: str) -> int | None:
        blob = self._bucket.get_blob(object_name, **_patience())
        return None if blob is None else int(blob.generation)


class _Bounded(io.BytesIO):
    """Takes so many bytes and no more."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def write(self, data: Buffer, /) -> int:
        """Raises PhotoTooLarge."""
        if self.tell() + memoryview(data).nbytes > self._most:
            raise PhotoTooLarge(size=None, limit=self._most)
        return super().write(data)


def _patience() -> dict[str, Any]:
    """How long one request may take, and how long it may be repeated."""
    return {
        "timeout": deadline.left(_TIMEOUT_SECONDS),
        "retry": DEFAULT_RETRY.with_timeout(deadline.left(_RETRY_SECONDS)),
    }


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """The vendor's errors as StoreUnavailable, except those that are answers; within a time limit.

    The detail names only the error's class: its text may quote URLs with tokens.
    """
    try:
        with deadline.within(_WHOLE_SECONDS):
            yield
    except (NotFound, PreconditionFailed):
        raise
    except (
        GoogleAPIError,
        GoogleAuthError,
        DataCorruption,
        InvalidResponse,
        requests.RequestException,
        HTTPError,
        OSError,
        *_GARBAGE,
    ) as error:
        kind = type(error).__name__
        raise StoreUnavailable(f"the photo cannot be {what} now ({kind})") from error
