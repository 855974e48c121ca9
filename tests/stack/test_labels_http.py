"""Labels outside the model's classes: kept as they are, never forced into a wrong class."""

from __future__ import annotations

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


@pytest.mark.parametrize("label", ["other-parrot", "not-a-parrot"])
def test_a_photo_is_saved_as_something_outside_the_classes(
    save: Callable[..., dict[str, Any]], label: str
) -> None:
    """People know better than sixteen classes; a wrong class would teach the next model."""
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


@pytest.mark.parametrize("text", ["x" * 101, "one\x00two", "one\ntwo"])
def test_words_have_limits(save: Callable[..., dict[str, Any]], text: str) -> None:
    """A label is a name, not a story, and it is shown on pages."""
    assert save(species="other-parrot", text=text)["code_"] == 400


def test_an_unknown_label_is_refused(save: Callable[..., dict[str, Any]]) -> None:
    """A misspelled species must not become a third kind of label."""
    saved = save(species="another-parrot")
    assert (saved["code_"], saved["code"]) == (400, "invalid_request")
