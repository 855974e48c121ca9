"""Photos in a Cloud Storage bucket."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import requests
from google.api_core.exceptions import GoogleAPIError, PreconditionFailed
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage.retry import DEFAULT_RETRY

from parrot.errors import StoreUnavailable

if TYPE_CHECKING:
    from google.cloud.storage import Client

    from parrot.records import Photo

_TIMEOUT_SECONDS = 10.0
# The library retries for two minutes; a phone has hung up long before.
_RETRY = DEFAULT_RETRY.with_timeout(6.0)


class BucketPhotos:
    """Originals are written once and never overwritten."""

    def __init__(self, client: Client, bucket: str) -> None:
        """No request is made here."""
        self._bucket = client.bucket(bucket)

    def put(self, object_name: str, photo: Photo) -> bool:
        """Upload unless it is there; whether this call wrote it. Raises StoreUnavailable."""
        blob = self._bucket.blob(object_name)
        # What Firebase's SDKs need for a download URL; whoever knows it can read: never log it.
        blob.metadata = {"firebaseStorageDownloadTokens": str(uuid.uuid4()), "sha256": photo.sha256}
        try:
            blob.upload_from_string(
                photo.data,
                content_type=photo.media_type,
                if_generation_match=0,
                checksum="crc32c",
                timeout=_TIMEOUT_SECONDS,
                retry=_RETRY,
            )
        except PreconditionFailed:
            return False
        except (GoogleAPIError, GoogleAuthError, requests.RequestException, OSError) as error:
            raise StoreUnavailable(f"the photo cannot be stored now ({_kind(error)})") from error
        return True


def _kind(error: Exception) -> str:
    """A vendor's error by its class: its text may quote URLs with tokens."""
    return type(error).__name__
