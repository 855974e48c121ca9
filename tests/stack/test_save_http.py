"""save over HTTP: once, however often it is sent; no photo lost, no users mixed up."""

from __future__ import annotations

import base64
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support.phone import Phone
from tests.support.photos import encoded, named, noise
from tests.support.problems import assert_problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Names = Callable[[str], list[str]]

# What a save decides; the rest is the processing's.
SAVED = ("id", "species", "index", "labels", "photo", "created")


def photo(seed: int) -> bytes:
    return encoded(noise(seed=seed))


def send(
    url: str, data: bytes, *, user: str | None = None, key: str | None = None, **fields: Any
) -> requests.Response:
    headers = {"Authorization": f"Bearer local:{user}"} if user else {}
    if key:
        headers["Idempotency-Key"] = key
    return requests.post(
        url, files={"image": data}, data=fields or {"index": "3"}, headers=headers, timeout=60
    )


@pytest.mark.smoke
def test_a_save_is_answered_with_the_observation(save_url: str, stored: Names) -> None:
    """201, a Location, and the photo in the bucket."""
    response = send(save_url, photo(1), user="amelia", species="nymphicus-hollandicus")
    body = response.json()
    assert response.status_code == 201
    assert response.headers["Location"] == f"/parrot-classifier/observations/{body['id']}"
    assert body["species"] == "nymphicus-hollandicus"
    assert body["index"] == 4
    assert body["status"] == "pending"
    assert body["photo"]["media_type"] == "image/jpeg"
    assert stored("photos/amelia/") == [f"photos/amelia/{body['id']}"]


def test_the_stored_photo_is_the_sent_photo(
    save_url: str, stored_bytes: Callable[[str], bytes], photos: Path
) -> None:
    """Training data must not be recompressed, nor lose its EXIF before it is looked at."""
    data = named(photos / "parrots" / "kea")[0].read_bytes()
    saved = send(save_url, data, user="kim", index="14").json()
    assert stored_bytes(f"photos/kim/{saved['id']}") == data


def test_the_same_save_again_is_200_with_the_same_body(save_url: str) -> None:
    """A phone that missed the answer tries again; processing may have gone on meanwhile."""
    once, again = (send(save_url, photo(2), user="amelia") for _ in range(2))
    assert (once.status_code, again.status_code) == (201, 200)
    assert {name: again.json()[name] for name in SAVED} == {
        name: once.json()[name] for name in SAVED
    }


def test_twenty_saves_at_once_leave_one_object_and_one_observation(
    save_url: str, stored: Names
) -> None:
    """Bad networks and impatient thumbs."""
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: send(save_url, photo(3), user="bea"), range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(stored("photos/bea/")) == 1


def test_two_users_with_one_photo_have_two_observations(save_url: str) -> None:
    """A user must not learn that another one has it."""
    first, other = (send(save_url, photo(6), user=user) for user in ("dee", "eli"))
    assert other.status_code == 201
    assert first.json()["id"] != other.json()["id"]


def test_the_same_photo_as_another_species_is_a_conflict(save_url: str) -> None:
    """A person who changes their mind changes the observation; there is no second one."""
    saved = send(save_url, photo(7), user="fay", index="3").json()
    response = send(save_url, photo(7), user="fay", index="4")
    assert_problem(response, 409, "conflict", observation=saved["id"])
    assert saved["id"] in response.json()["detail"]


def test_an_idempotency_key_is_for_one_photo(save_url: str, stored: Names) -> None:
    """The photo decides what is the same; a key that comes with another photo is a bug."""
    once, again = (send(save_url, photo(8), user="gus", key="k-1") for _ in range(2))
    assert (once.status_code, again.status_code) == (201, 200)
    reused = send(save_url, photo(9), user="gus", key="k-1")
    assert_problem(reused, 422, "idempotency_key_reused", observation=once.json()["id"])
    assert once.json()["id"] in reused.json()["detail"]
    other_key = send(save_url, photo(8), user="gus", key="k-2")
    assert (other_key.status_code, other_key.json()["id"]) == (200, once.json()["id"])
    other_species = send(save_url, photo(8), user="gus", key="k-3", index="4")
    assert_problem(other_species, 409, "conflict", observation=once.json()["id"])
    assert stored("photos/gus/") == [f"photos/gus/{once.json()['id']}"]
    assert_problem(send(save_url, photo(8), user="gus", key="k" * 300), 400, "invalid_request")


@pytest.mark.smoke
def test_the_first_versions_phones_save_without_a_login(save_url: str, stored: Names) -> None:
    """Byte for byte, misspelling and all; once, though the phone tries twice."""
    before = len(stored("photos/anonymous/"))
    form = {"b64": base64.b64encode(photo(10)), "index": "11"}
    for _ in range(2):
        response = requests.post(save_url, data=form, timeout=60)
        assert response.content == b"Image save Succeess"
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert len(stored("photos/anonymous/")) == before + 1


def test_anonymous_users_may_label_one_photo_differently(save_url: str) -> None:
    """They share one user; the second must not learn about the first."""
    for index in ("1", "2"):
        form = {"b64": base64.b64encode(photo(11)), "index": index}
        assert requests.post(save_url, data=form, timeout=60).text == "Image save Succeess"


def test_json_and_raw_bodies_save_too(save_url: str) -> None:
    """The same ways as for classify."""
    headers = {"Authorization": "Bearer local:hal"}
    as_json = {"image": base64.b64encode(photo(12)).decode(), "index": 5}
    assert requests.post(save_url, json=as_json, headers=headers, timeout=60).status_code == 201
    raw = requests.post(f"{save_url}?index=5", data=photo(13), headers=headers, timeout=60)
    assert raw.status_code == 201


def test_a_species_that_does_not_exist_is_refused_and_nothing_is_stored(
    save_url: str, stored: Names
) -> None:
    """The first version created a folder from any name."""
    for fields in (
        {"index": "22"},
        {"index": "-1"},
        {"index": "1.0"},
        {"index": "²"},
        {"index": "00000000199"},
        {"index": "9" * 400},
        {"index": "../../etc"},
        {"species": "dodo"},
        {"species": "kea", "index": "14"},
        {"note": "no species at all"},
    ):
        assert_problem(send(save_url, photo(14), user="ivy", **fields), 400, "invalid_request")
        assert stored("photos/ivy/") == []


def test_half_a_photo_is_refused_and_nothing_is_stored(save_url: str, stored: Names) -> None:
    """The phone should send it again while it still has it."""
    assert_problem(send(save_url, photo(15)[:-300], user="jo"), 422, "invalid_image")
    assert stored("photos/jo/") == []


def test_a_user_name_cannot_leave_its_folder(save_url: str) -> None:
    """The uid becomes part of an object's name."""
    response = requests.post(
        save_url,
        files={"image": photo(16)},
        data={"index": "1"},
        headers={"Authorization": "Bearer local:../kim"},
        timeout=60,
    )
    assert_problem(response, 401, "unauthenticated")
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_the_tag_of_a_save_stays_valid_while_the_system_works(
    running_url: str, method: str
) -> None:
    """The person corrects the label on the screen that still shows the save's answer."""
    phone = Phone(running_url, f"tag-{uuid.uuid4().hex}")
    saved = phone.ask("POST", "/save?species=nestor-notabilis", data=photo(17))
    path = f"/observations/{saved.json()['id']}"
    phone.settled(saved.json()["id"])
    processed = phone.get(path)
    tag = saved.headers["ETag"]
    assert processed.headers["ETag"] != tag
    assert phone.get(path, headers={"If-None-Match": tag}).status_code == 200

    response = phone.ask(method, path, json={"species": "amazona"}, headers={"If-Match": tag})
    assert response.status_code in {200, 204}, response.text


def test_the_tag_of_a_save_ends_with_the_label_or_the_observation(running_url: str) -> None:
    """Another phone's correction must be seen before it is overwritten."""
    phone = Phone(running_url, f"tag-{uuid.uuid4().hex}")
    saved = phone.ask("POST", "/save?species=nestor-notabilis", data=photo(18))
    path = f"/observations/{saved.json()['id']}"
    first = {"If-Match": saved.headers["ETag"]}
    relabelled = phone.ask("PATCH", path, json={"species": "amazona"}, headers=first)
    for method in ("PATCH", "DELETE"):
        response = phone.ask(method, path, json={"species": "ara-macao"}, headers=first)
        assert_problem(response, 412, "precondition_failed")

    second = {"If-Match": relabelled.headers["ETag"]}
    assert phone.ask("DELETE", path, headers=second).status_code == 204
    again = phone.ask("POST", "/save?species=amazona", data=photo(18))
    assert (again.status_code, again.headers["Location"]) == (201, saved.headers["Location"])
    for tags in (first, second):
        response = phone.ask("PATCH", path, json={"species": "ara-macao"}, headers=tags)
        assert_problem(response, 412, "precondition_failed")
