"""Who may do what, asked of the emulators that read firestore.rules and storage.rules."""

import gzip
import os
import uuid
from urllib.parse import quote

import pytest
import requests

from local.samples import MACAW
from local.stack import BUCKET, PROJECT
from tests.support.firebase_users import TIMEOUT, Account, sign_up, upload

LIMIT = 20 * 1024 * 1024


def test_photos_are_taken_and_nothing_else(person: Account) -> None:
    """A page or a program under a photo's name would be served from our bucket."""
    for status, kinds in (
        (200, ("image/jpeg", "image/png", "image/webp", "image/heic", "image/avif")),
        (200, ("image/jpg", "image/heif", "image/pjpeg", "image/x-png", "image/JPEG", "image/Jpg")),
        (200, ("image/heic-sequence", "image/HEIC", "image/jpeg; charset=binary")),
        (403, ("image/gif", "image/svg+xml", "text/html", "application/zip")),
        (403, ("image/jpegx", "x;image/jpeg")),
    ):
        for kind in kinds:
            name = f"photos/{person.uid}/{uuid.uuid4()}"
            assert upload(name, person.headers, contentType=kind).status_code == status, kind


def test_a_compressed_photo_is_refused(person: Account) -> None:
    """It could unpack to any size; `process` never unpacks one, so it would only be rejected."""
    for encoding, status in (("identity", 200), ("gzip", 403), ("br", 403), ("GZIP", 403)):
        name = f"photos/{person.uid}/{uuid.uuid4()}"
        photo = gzip.compress(b"photo")
        response = upload(name, person.headers, photo, contentEncoding=encoding)
        assert response.status_code == status, encoding


def test_a_photo_has_a_limit(person: Account) -> None:
    """As many bytes as the service reads; nobody fills the bucket with more."""
    for size, status in ((LIMIT - 1, 200), (LIMIT, 403)):
        name = f"photos/{person.uid}/{uuid.uuid4()}"
        assert upload(name, person.headers, b"x" * size).status_code == status


def test_nobody_writes_elsewhere(person: Account) -> None:
    """Other people's folders, derived files, model bundles, the first version's folders."""
    for name in (
        f"photos/{sign_up().uid}/a",
        f"photos/{person.uid}/a/b",
        "photos/a",
        f"derived/{person.uid}/a/thumbnail",
        "bundles/current.json",
        "3/1700000000.jpg",
        f"{person.uid}/a",
    ):
        assert upload(name, person.headers, MACAW.read_bytes()).status_code == 403, name


def test_only_the_owner_uploads_to_a_folder(person: Account) -> None:
    """A photo in somebody's folder would become an observation of theirs."""
    for asker in (sign_up().headers, {}):
        assert upload(f"photos/{person.uid}/{uuid.uuid4()}", asker).status_code == 403


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_stored_photos_are_reached_by_the_service_alone(person: Account, method: str) -> None:
    """Reading, changing metadata and deleting go through the HTTP API, for the owner too."""
    name = f"photos/{person.uid}/{uuid.uuid4()}"
    assert upload(name, person.headers).status_code == 200
    host = os.environ["FIREBASE_STORAGE_EMULATOR_HOST"]
    url = f"http://{host}/v0/b/{BUCKET}/o/{quote(name, safe='')}"
    asked = requests.request(method, url, headers=person.headers, timeout=TIMEOUT)
    assert asked.status_code == 403


def test_a_photo_is_never_overwritten(person: Account) -> None:
    """It would be processed as another photo under the same observation."""
    name = f"photos/{person.uid}/{uuid.uuid4()}"
    assert upload(name, person.headers).status_code == 200
    assert upload(name, person.headers, b"another").status_code == 403


@pytest.mark.parametrize("path", ["users/{uid}/observations/a", "anything/else"])
def test_the_backend_alone_reads_and_writes_firestore(person: Account, path: str) -> None:
    """One rule refuses everybody everything: quotas count in the HTTP API, which hides, too."""
    host = os.environ["FIRESTORE_EMULATOR_HOST"]
    base = f"http://{host}/v1/projects/{PROJECT}/databases/(default)/documents"
    response = requests.patch(
        f"{base}/{path.format(uid=person.uid)}",
        json={"fields": {"status": {"stringValue": "ready"}}},
        headers=person.headers,
        timeout=TIMEOUT,
    )
    assert response.status_code == 403, response.text
