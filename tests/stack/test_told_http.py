"""What a person tells beside a photo: a label of their own, consent, when and where."""

from __future__ import annotations

import base64
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import requests

from local.samples import MACAW

if TYPE_CHECKING:
    from collections.abc import Callable

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
    """People know better than our classes; a wrong class would teach the next model."""
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
