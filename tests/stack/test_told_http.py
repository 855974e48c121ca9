"""What a person tells beside a photo: a label of their own, consent, when and where."""

import base64
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import requests

from local.samples import MACAW
from tests.support.phone import Phone

Save = Callable[..., tuple[Phone, dict[str, Any]]]

GALAH = "eolophus-roseicapilla"


@pytest.fixture
def save(running_url: str) -> Save:
    """Save a photo as a new person, who is given with the observation."""

    def post(**fields: str) -> tuple[Phone, dict[str, Any]]:
        phone = Phone(running_url, uuid.uuid4().hex)
        return phone, phone.send(MACAW.read_bytes(), **fields)

    return post


def refused(running_url: str, **fields: str) -> bool:
    phone = Phone(running_url, uuid.uuid4().hex)
    photo = {"image": MACAW.read_bytes()}
    return phone.ask("POST", "/save", files=photo, data=fields).status_code == 400


def change(phone: Phone, saved: dict[str, Any], **request: Any) -> requests.Response:
    return phone.ask("PATCH", f"/observations/{saved['id']}", **request)


def test_the_persons_words_are_kept_beside_the_label(save: Save) -> None:
    """The person who later maps the label reads them."""
    phone, saved = save(species="other-parrot", text=" Green-winged macaw ")
    assert saved["labels"][0]["text"] == "Green-winged macaw"
    changed = change(phone, saved, json={"species": "other-parrot", "text": "홍금강앵무"}).json()
    assert [label["text"] for label in changed["labels"]] == ["Green-winged macaw", "홍금강앵무"]


def test_a_photo_is_saved_and_listed_as_something_outside_the_classes(save: Save) -> None:
    """People know better than our classes; a wrong class would teach the next model."""
    phone, saved = save(species="not-a-parrot")
    assert (saved["species"], saved["index"]) == ("not-a-parrot", None)
    assert phone.pages(species="not-a-parrot") == [saved["id"]]
    assert phone.pages(species="other-parrot") == []


def test_a_person_says_whether_a_photo_may_train_and_takes_it_back(
    save: Save, running_url: str
) -> None:
    """What nobody was asked about has no answer, and every way to send a photo has the field."""
    (_, unasked), (phone, saved) = save(species=GALAH), save(species=GALAH, training="true")
    assert "training" not in unasked
    assert (saved["training"], saved["training_at"]) == (True, saved["created"])
    assert refused(running_url, species=GALAH, training="perhaps")
    encoded = base64.b64encode(MACAW.read_bytes()).decode()
    body = {"image": encoded, "species": "ara-macao", "training": False}
    sent = Phone(running_url, uuid.uuid4().hex).ask("POST", "/save", json=body)
    assert sent.json()["training"] is False
    tag = {"If-Match": phone.get(f"/observations/{saved['id']}").headers["ETag"]}
    for said in ({"training": False}, {"training": True, "species": "ara-macao"}):
        changed = change(phone, saved, json=said, headers=tag).json()
        assert changed["training"] is said["training"]
        assert changed["training_at"] > saved["created"]
    assert changed["species"] == "ara-macao"
    for nonsense in (
        {"training": "perhaps"},
        {"training": 1},
        {"training": True, "text": "x"},
        {"training": [False], "species": "ara-macao"},  # no silence: that may be a yes
    ):
        assert change(phone, saved, json=nonsense).status_code == 400, nonsense


def test_when_and_where_are_kept_for_the_person_and_taken_back(save: Save) -> None:
    """About a hundred metres are enough to find the tree; nobody has to say it."""
    assert "sighting" not in save(species=GALAH)[1]
    when = "2026-05-03T10:15:00"
    phone, saved = save(species=GALAH, taken=when, place="37.57123, 126.97689")
    seen = {"taken": when, "latitude": 37.571, "longitude": 126.977}
    assert saved["sighting"] == seen
    assert change(phone, saved, json={"species": GALAH}).json()["sighting"] == seen
    alone = change(phone, saved, json={"taken": when, "place": ""}).json()["sighting"]
    assert alone == {"taken": when, "latitude": None, "longitude": None}
    assert "sighting" not in change(phone, saved, json={"taken": "", "place": ""}).json()
    for nonsense in (
        {"place": "37.5"},
        {"place": "95,10"},
        {"place": "nan,10"},
        {"taken": "yesterday"},
        {"taken": when, "place": [37.5, 126.9]},
        {"taken": "2026-02-30T10:15:00"},
    ):
        assert change(phone, saved, json=nonsense).status_code == 400, nonsense


def test_words_have_limits(running_url: str) -> None:
    """A label is a name, not a story, and it is shown on pages."""
    for text in ("x" * 101, "one\x00two", "one\ntwo", "one\u202etwo", "one\u2028two"):
        assert refused(running_url, species="other-parrot", text=text)


def test_whatever_a_keyboard_writes_is_a_word(save: Save) -> None:
    """A joined emoji, a wide space or an emoji newer than Python refused the whole save."""
    words = "\U0001f426\u200d\u2b1b\u3000앵무새\u00a0\U0001fabd"  # a black bird, a wing
    _, saved = save(species="other-parrot", text=words)
    assert saved["labels"][0]["text"] == words
