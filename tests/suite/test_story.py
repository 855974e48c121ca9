"""A photo's way through Firebase: signed up, saved, processed, listed, deleted."""

import os
import uuid
from typing import Any

import requests
from google.cloud.firestore import Client

from local.samples import MACAW
from local.stack import BUCKET, PROJECT
from tests.support.firebase_users import TIMEOUT, Account, upload
from tests.support.waiting import until


def save(url: str, person: Account) -> requests.Response:
    return requests.post(
        f"{url}/parrot-classifier/save",
        files={"image": MACAW.read_bytes()},
        data={"species": "ara-ararauna"},
        headers=person.headers,
        timeout=TIMEOUT,
    )


def processed(url: str, person: Account) -> list[dict[str, Any]]:
    """The person's observations once none is pending."""
    response = requests.get(
        f"{url}/parrot-classifier/observations", headers=person.headers, timeout=TIMEOUT
    )
    response.raise_for_status()
    observations: list[dict[str, Any]] = response.json()["observations"]
    pending = [one for one in observations if one["status"] == "pending"]
    return [] if pending else observations


def document(uid: str, name: str) -> dict[str, Any] | None:
    """The document in Firestore, read as an operator would."""
    found = Client(PROJECT).document(f"users/{uid}/observations/{name}").get()
    return found.to_dict() or None


def test_a_saved_photo_becomes_a_ready_observation_and_deleting_leaves_nothing(
    suite_url: str, person: Account
) -> None:
    """Hosting, Auth, the functions, Storage's event and Firestore, each the real protocol."""
    response = save(suite_url, person)
    assert response.status_code == 201, response.text
    name = response.json()["id"]
    (observation,) = until(lambda: processed(suite_url, person), "Firebase")
    assert (observation["id"], observation["status"]) == (name, "ready")
    stored = document(person.uid, name)
    assert stored is not None
    assert stored["status"] == "ready"
    url = f"{suite_url}/parrot-classifier/observations/{name}"
    assert requests.delete(url, headers=person.headers, timeout=TIMEOUT).status_code == 204
    assert requests.get(url, headers=person.headers, timeout=TIMEOUT).status_code == 404
    assert document(person.uid, name) is None
    storage = os.environ["STORAGE_EMULATOR_HOST"]
    for prefix in ("photos", "derived"):
        listed = requests.get(
            f"{storage}/storage/v1/b/{BUCKET}/o?prefix={prefix}/{person.uid}/", timeout=TIMEOUT
        ).json()
        assert listed.get("items", []) == []


def test_a_photo_uploaded_by_the_storage_sdk_becomes_an_observation(
    suite_url: str, person: Account
) -> None:
    """Phones may upload straight to the bucket; the event does the rest."""
    name = str(uuid.uuid4())
    path, metadata = f"photos/{person.uid}/{name}", {"species": "ara-ararauna"}
    response = upload(path, person.headers, MACAW.read_bytes(), metadata=metadata)
    assert response.status_code == 200, response.text
    (observation,) = until(lambda: processed(suite_url, person), "Firebase")
    assert observation["id"] == name
    assert observation["species"] == "ara-ararauna"


def test_hosting_serves_the_page_with_its_policy(suite_url: str) -> None:
    """firebase.json as Hosting itself reads it."""
    page = requests.get(suite_url, timeout=TIMEOUT)
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-cache"
    script = requests.get(f"{suite_url}/app/main.js", timeout=TIMEOUT)
    assert script.headers["Cache-Control"] == "no-cache"
    assert requests.get(f"{suite_url}/parrot-classifier/errors", timeout=TIMEOUT).ok
    assert "vendor/reference.js" in requests.get(f"{suite_url}/api", timeout=TIMEOUT).text
    assert requests.get(f"{suite_url}/vendor/reference.js", timeout=TIMEOUT).ok
