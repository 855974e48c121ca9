"""save over HTTP: once, however often it is sent; no photo lost, no users mixed up."""

from __future__ import annotations

import base64
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests

from local.samples import MACAW
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


def test_an_idempotency_key_is_for_one_photo(save_url: str, stored: Names) -> None:
    """The photo decides what is the same; a key that comes with another photo is a bug."""
    once, again = (send(save_url, photo(8), user="gus", key="k-1") for _ in range(2))
    assert (once.status_code, again.status_code) == (201, 200)
    reused = send(save_url, photo(9), user="gus", key="k-1")
    assert_problem(reused, 422, "idempotency_key_reused", observation=once.json()["id"])
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
        {"index": "99"},
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


TIMEOUT = 60


@pytest.fixture
def save(save_url: str) -> Callable[..., dict[str, Any]]:
    """Save a photo as a new person; the answer's JSON with the person's headers."""

    def post(**fields: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer local:{uuid.uuid4().hex}"}
        files = {"image": MACAW.read_bytes()}
        response = requests.post(
            save_url, files=files, data=fields, headers=headers, timeout=TIMEOUT
        )
        return {**response.json(), "code_": response.status_code, "headers_": headers}

    return post


def test_a_photo_is_saved_as_something_outside_the_classes(
    save: Callable[..., dict[str, Any]],
) -> None:
    """People know better than sixteen classes; a wrong class would teach the next model."""
    for label in ("other-parrot", "not-a-parrot"):
        saved = save(species=label)
        assert saved["code_"] == 201
        assert (saved["species"], saved["index"]) == (label, None)
        assert saved["labels"][0]["index"] is None


def test_the_persons_words_are_kept_beside_the_label(
    save: Callable[..., dict[str, Any]], running_url: str
) -> None:
    """The person who later maps the label reads them."""
    saved = save(species="other-parrot", text=" Green-winged macaw ")
    assert saved["labels"][0]["text"] == "Green-winged macaw"
    response = requests.patch(
        f"{running_url}/parrot-classifier/observations/{saved['id']}",
        json={"species": "other-parrot", "text": "홍금강앵무"},
        headers=saved["headers_"],
        timeout=TIMEOUT,
    )
    assert [label["text"] for label in response.json()["labels"]] == [
        "Green-winged macaw",
        "홍금강앵무",
    ]


def test_a_list_can_be_of_one_such_label(
    save: Callable[..., dict[str, Any]], running_url: str
) -> None:
    """The filter knows every label that a save knows."""
    saved = save(species="not-a-parrot")
    url = f"{running_url}/parrot-classifier/observations"
    for label, count in (("not-a-parrot", 1), ("other-parrot", 0)):
        page = requests.get(
            url, params={"species": label}, headers=saved["headers_"], timeout=TIMEOUT
        )
        assert len(page.json()["observations"]) == count


def test_a_person_says_whether_a_photo_may_train_and_takes_it_back(
    save: Callable[..., dict[str, Any]], running_url: str
) -> None:
    """What nobody was asked about has no answer, and every way to send a photo has the field."""
    unasked, saved = (
        save(species="eolophus-roseicapilla"),
        save(species="eolophus-roseicapilla", training="true"),
    )
    assert "training" not in unasked
    assert (saved["training"], saved["training_at"]) == (True, saved["created"])
    assert save(species="eolophus-roseicapilla", training="perhaps")["code_"] == 400
    encoded = base64.b64encode(MACAW.read_bytes()).decode()
    body = {"image": encoded, "species": "ara-macao", "training": False}
    headers = {"Authorization": f"Bearer local:{uuid.uuid4().hex}"}
    sent = requests.post(
        f"{running_url}/parrot-classifier/save", json=body, headers=headers, timeout=TIMEOUT
    )
    assert sent.json()["training"] is False
    url = f"{running_url}/parrot-classifier/observations/{saved['id']}"
    tag = {
        "If-Match": requests.get(url, headers=saved["headers_"], timeout=TIMEOUT).headers["ETag"]
    }
    for change in ({"training": False}, {"training": True, "species": "ara-macao"}):
        changed = requests.patch(
            url, json=change, headers={**saved["headers_"], **tag}, timeout=TIMEOUT
        )
        assert changed.json()["training"] is change["training"]
        assert changed.json()["training_at"] > saved["created"]
    assert changed.json()["species"] == "ara-macao"
    for nonsense in (
        {"training": "perhaps"},
        {"training": 1},
        {"training": True, "text": "x"},
        {"training": [False], "species": "ara-macao"},  # no silence: that may be a yes
    ):
        refused = requests.patch(url, json=nonsense, headers=saved["headers_"], timeout=TIMEOUT)
        assert refused.status_code == 400, nonsense


def test_when_and_where_are_kept_for_the_person_and_taken_back(
    save: Callable[..., dict[str, Any]], running_url: str
) -> None:
    """About a hundred metres are enough to find the tree; nobody has to say it."""
    label = "eolophus-roseicapilla"
    assert "sighting" not in save(species=label)
    when = "2026-05-03T10:15:00"
    saved = save(species=label, taken=when, place="37.57123, 126.97689")
    seen = {"taken": when, "latitude": 37.571, "longitude": 126.977}
    assert saved["sighting"] == seen
    url = f"{running_url}/parrot-classifier/observations/{saved['id']}"

    def patch(change: dict[str, Any]) -> dict[str, Any]:
        answer = requests.patch(url, json=change, headers=saved["headers_"], timeout=TIMEOUT)
        body: dict[str, Any] = answer.json()
        return body

    assert patch({"species": label})["sighting"] == seen
    alone = patch({"taken": when, "place": ""})["sighting"]
    assert alone == {"taken": when, "latitude": None, "longitude": None}
    assert "sighting" not in patch({"taken": "", "place": ""})
    for nonsense in (
        {"place": "37.5"},
        {"place": "95,10"},
        {"place": "nan,10"},
        {"taken": "yesterday"},
        {"taken": when, "place": [37.5, 126.9]},
        {"taken": "2026-02-30T10:15:00"},
    ):
        assert patch(nonsense)["status"] == 400, nonsense


def test_words_have_limits(save: Callable[..., dict[str, Any]]) -> None:
    """A label is a name, not a story, and it is shown on pages."""
    for text in ("x" * 101, "one\x00two", "one\ntwo"):
        assert save(species="other-parrot", text=text)["code_"] == 400
