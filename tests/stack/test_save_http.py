"""save over HTTP: once, however often it is sent; no photo lost, no users mixed up."""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.support.phone import Phone
from tests.support.photos import encoded, noise
from tests.support.problems import assert_problem

Names = Callable[[str], list[str]]


def photo(seed: int) -> bytes:
    return encoded(noise(seed=seed))


def send(phone: Phone, data: bytes, *, key: str | None = None, **fields: Any) -> requests.Response:
    headers = {"Idempotency-Key": key} if key else {}
    form = fields or {"index": "3"}
    return phone.ask("POST", "/save", files={"image": data}, data=form, headers=headers)


@pytest.mark.smoke
def test_a_save_is_answered_with_the_observation(ana: Phone, stored: Names) -> None:
    """201, a Location, and the photo in the bucket."""
    response = send(ana, photo(1), species="nymphicus-hollandicus")
    body = response.json()
    assert response.status_code == 201
    assert response.headers["Location"] == f"/parrot-classifier/observations/{body['id']}"
    assert (body["species"], body["index"]) == ("nymphicus-hollandicus", 4)
    assert body["status"] == "pending"
    assert body["photo"]["media_type"] == "image/jpeg"
    assert stored(f"photos/{ana.user}/") == [f"photos/{ana.user}/{body['id']}"]


def test_twenty_saves_at_once_leave_one_object_and_one_observation(
    ana: Phone, stored: Names
) -> None:
    """Bad networks and impatient thumbs; processing may have gone on meanwhile."""
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: send(ana, photo(3)), range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    decided = ("id", "species", "index", "labels", "photo", "created")
    first, *others = ([answer.json()[name] for name in decided] for answer in answers)
    assert others == [first] * 19
    assert len(stored(f"photos/{ana.user}/")) == 1


def test_two_users_with_one_photo_have_two_observations(ana: Phone, bea: Phone) -> None:
    """A user must not learn that another one has it."""
    first, other = (send(phone, photo(6)) for phone in (ana, bea))
    assert other.status_code == 201
    assert first.json()["id"] != other.json()["id"]


def test_an_idempotency_key_is_for_one_photo(ana: Phone, stored: Names) -> None:
    """The photo decides what is the same; a key that comes with another photo is a bug."""
    once, again = (send(ana, photo(8), key="k-1") for _ in range(2))
    assert (once.status_code, again.status_code) == (201, 200)
    reused = send(ana, photo(9), key="k-1")
    assert_problem(reused, 422, "idempotency_key_reused", observation=once.json()["id"])
    assert once.json()["id"] in reused.json()["detail"]
    other_key = send(ana, photo(8), key="k-2")
    assert (other_key.status_code, other_key.json()["id"]) == (200, once.json()["id"])
    # A person who changes their mind changes the observation; there is no second one.
    for key in ("k-3", None):
        other_species = send(ana, photo(8), key=key, index="4")
        assert_problem(other_species, 409, "conflict", observation=once.json()["id"])
        assert once.json()["id"] in other_species.json()["detail"]
    assert stored(f"photos/{ana.user}/") == [f"photos/{ana.user}/{once.json()['id']}"]
    assert_problem(send(ana, photo(8), key="k" * 300), 400, "invalid_request")


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


def test_a_species_that_does_not_exist_is_refused_and_nothing_is_stored(
    ana: Phone, stored: Names
) -> None:
    """The first version created a folder from any name."""
    for fields in (
        *({"index": text} for text in ("22", "-1", "1.0", "²", "00000000199", "9" * 400)),
        {"index": "../../etc"},
        {"species": "dodo"},
        {"species": "kea", "index": "14"},
        {"note": "no species at all"},
    ):
        assert_problem(send(ana, photo(14), **fields), 400, "invalid_request")
        assert stored(f"photos/{ana.user}/") == []


def test_half_a_photo_is_refused_and_nothing_is_stored(ana: Phone, stored: Names) -> None:
    """The phone should send it again while it still has it."""
    assert_problem(send(ana, photo(15)[:-300]), 422, "invalid_image")
    assert stored(f"photos/{ana.user}/") == []


def test_a_user_name_cannot_leave_its_folder(running_url: str) -> None:
    """The uid becomes part of an object's name."""
    response = send(Phone(running_url, "../kim"), photo(16))
    assert_problem(response, 401, "unauthenticated")
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_the_tag_of_a_save_stays_valid_while_the_system_works(ana: Phone, method: str) -> None:
    """The person corrects the label on the screen that still shows the save's answer."""
    saved = ana.ask("POST", "/save?species=nestor-notabilis", data=photo(17))
    path = f"/observations/{saved.json()['id']}"
    ana.settled(saved.json()["id"])
    tag = saved.headers["ETag"]
    assert ana.get(path).headers["ETag"] != tag
    assert ana.get(path, headers={"If-None-Match": tag}).status_code == 200
    response = ana.ask(method, path, json={"species": "amazona"}, headers={"If-Match": tag})
    assert response.status_code in {200, 204}, response.text
