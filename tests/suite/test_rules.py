"""Who may do what, asked of the emulators that read firestore.rules and storage.rules."""

from __future__ import annotations

import gzip
import json
import os
import uuid
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import requests

from local.samples import MACAW
from local.stack import BUCKET, PROJECT
from tests.support.firebase_users import TIMEOUT, Person, sign_up

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT = 20 * 1024 * 1024
JPEG = "image/jpeg"
ALLOWED, DENIED = True, False


def headers(who: str, person: Person) -> dict[str, str]:
    """The owner's token, another user's, or none."""
    return {"owner": person.headers, "other": sign_up().headers, "nobody": {}}[who]


def put(
    name: str, asker: Mapping[str, str], data: bytes = b"photo", kind: str = JPEG
) -> requests.Response:
    """Upload as Firebase's SDK does."""
    return requests.post(
        f"http://{os.environ['FIREBASE_STORAGE_EMULATOR_HOST']}/v0/b/{BUCKET}/o",
        params={"name": name},
        data=data,
        headers={**asker, "Content-Type": kind},
        timeout=TIMEOUT,
    )


def put_with(
    metadata: Mapping[str, str], asker: Mapping[str, str], data: bytes
) -> requests.Response:
    """Upload with metadata as Firebase's SDK does: two parts, metadata first."""
    head = f"--x\r\nContent-Type: application/json\r\n\r\n{json.dumps(metadata)}\r\n"
    body = f"{head}--x\r\nContent-Type: {metadata['contentType']}\r\n\r\n".encode()
    return requests.post(
        f"http://{os.environ['FIREBASE_STORAGE_EMULATOR_HOST']}/v0/b/{BUCKET}/o",
        params={"name": metadata["name"]},
        data=body + data + b"\r\n--x--",
        headers={
            **asker,
            "Content-Type": "multipart/related; boundary=x",
            "X-Goog-Upload-Protocol": "multipart",
        },
        timeout=TIMEOUT,
    )


def on_object(method: str, name: str, asker: Mapping[str, str]) -> requests.Response:
    """Any other call about an object."""
    host = os.environ["FIREBASE_STORAGE_EMULATOR_HOST"]
    url = f"http://{host}/v0/b/{BUCKET}/o/{quote(name, safe='')}"
    return requests.request(method, url, headers=asker, timeout=TIMEOUT)


@pytest.mark.parametrize(
    "kind",
    [
        *("jpeg", "png", "webp", "heic", "avif", "jpg", "heif", "pjpeg", "x-png"),
        *("JPEG", "HEIC", "Jpg", "heic-sequence", "heif-sequence", "jpeg; charset=binary"),
    ],
)
def test_people_upload_photos_of_their_own(person: Person, kind: str) -> None:
    """The types that the service reads."""
    name = f"photos/{person.uid}/{uuid.uuid4()}"
    assert put(name, person.headers, kind=f"image/{kind}").status_code == 200


@pytest.mark.parametrize(
    "kind",
    ["image/gif", "image/svg+xml", "text/html", "application/zip", "image/jpegx", "x;image/jpeg"],
)
def test_nothing_but_photos_is_taken(person: Person, kind: str) -> None:
    """A page or a program under a photo's name would be served from our bucket."""
    name = f"photos/{person.uid}/{uuid.uuid4()}"
    assert put(name, person.headers, kind=kind).status_code == 403


@pytest.mark.parametrize(
    ("encoding", "allowed"),
    [("identity", ALLOWED), ("gzip", DENIED), ("br", DENIED), ("GZIP", DENIED)],
)
def test_a_compressed_photo_is_refused(person: Person, encoding: str, *, allowed: bool) -> None:
    """It could unpack to any size; `process` never unpacks one, so it would only be rejected."""
    name = f"photos/{person.uid}/{uuid.uuid4()}"
    metadata = {"name": name, "contentType": JPEG, "contentEncoding": encoding}
    response = put_with(metadata, person.headers, gzip.compress(b"photo"))
    assert (response.status_code == 200) is allowed, response.text


@pytest.mark.parametrize(
    ("size", "allowed"), [(LIMIT - 1, ALLOWED), (LIMIT, DENIED)], ids=["just fits", "too large"]
)
def test_a_photo_has_a_limit(person: Person, size: int, *, allowed: bool) -> None:
    """As many bytes as the service reads; nobody fills the bucket with more."""
    name = f"photos/{person.uid}/{uuid.uuid4()}"
    assert (put(name, person.headers, b"x" * size).status_code == 200) is allowed


@pytest.mark.parametrize(
    "place",
    [
        "photos/{other}/a",
        "photos/{own}/a/b",
        "photos/a",
        "derived/{own}/a/thumbnail",
        "bundles/current.json",
        "3/1700000000.jpg",
        "{own}/a",
    ],
)
def test_nobody_writes_elsewhere(person: Person, place: str) -> None:
    """Other people's folders, derived files, model bundles, the first version's folders."""
    name = place.format(own=person.uid, other=sign_up().uid)
    assert put(name, person.headers, MACAW.read_bytes()).status_code == 403


@pytest.mark.parametrize("who", ["other", "nobody"])
def test_only_the_owner_uploads_to_a_folder(person: Person, who: str) -> None:
    """A photo in somebody's folder would become an observation of theirs."""
    name = f"photos/{person.uid}/{uuid.uuid4()}"
    assert put(name, headers(who, person)).status_code == 403


@pytest.mark.parametrize("who", ["owner", "other", "nobody"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_stored_photos_are_reached_by_the_service_alone(
    person: Person, who: str, method: str
) -> None:
    """Reading, changing metadata and deleting go through the HTTP API."""
    name = f"photos/{person.uid}/{uuid.uuid4()}"
    assert put(name, person.headers).status_code == 200
    assert on_object(method, name, headers(who, person)).status_code == 403


def test_a_photo_is_never_overwritten(person: Person) -> None:
    """It would be processed as another photo under the same observation."""
    name = f"photos/{person.uid}/{uuid.uuid4()}"
    assert put(name, person.headers).status_code == 200
    assert put(name, person.headers, b"another").status_code == 403


@pytest.mark.parametrize("who", ["owner", "other", "nobody"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "users/{uid}/observations/a"),
        ("GET", "users/{uid}/observations"),
        ("PATCH", "users/{uid}/observations/a"),
        ("DELETE", "users/{uid}/observations/a"),
        ("PATCH", "quotas/{uid}"),
        ("PATCH", "anything/else"),
    ],
)
def test_the_backend_alone_reads_and_writes_firestore(
    person: Person, who: str, method: str, path: str
) -> None:
    """Phones use the HTTP API: quotas count there, and what is being deleted is hidden."""
    host = os.environ["FIRESTORE_EMULATOR_HOST"]
    base = f"http://{host}/v1/projects/{PROJECT}/databases/(default)/documents"
    body = {"fields": {"status": {"stringValue": "ready"}}} if method == "PATCH" else None
    response = requests.request(
        method,
        f"{base}/{path.format(uid=person.uid)}",
        json=body,
        headers=headers(who, person),
        timeout=TIMEOUT,
    )
    assert response.status_code == 403, response.text
