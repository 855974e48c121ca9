"""Several photos of one bird over HTTP: one joint answer, and each photo's own."""

import base64
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.photos import encoded, named, noise
from tests.support.problems import assert_problem

JOINT = ["parrot", "species", "set", "model", "photo", "taxon", "agree", "photos"]


def asked(url: str, *photos: bytes, **more: Any) -> requests.Response:
    files = [("image", (f"{number}.jpg", data)) for number, data in enumerate(photos)]
    return requests.post(url, files=files, timeout=60, **more)


@pytest.fixture
def galahs(photos: Path) -> list[bytes]:
    return [path.read_bytes() for path in named(photos / "parrots" / "galah", 3)]


@pytest.mark.smoke
def test_three_photos_get_one_answer_and_one_each(classify_url: str, galahs: list[bytes]) -> None:
    """The joint one has the fields of a single answer, so that an app shows both alike."""
    response = asked(classify_url, *galahs)
    body = response.json()
    assert list(body) == JOINT
    assert body["taxon"]["id"] == "eolophus-roseicapilla"
    assert body["agree"]
    alone = [asked(classify_url, data).json() for data in galahs]
    assert body["photos"] == alone
    assert body["photo"] in [answer["photo"] for answer in alone]


def test_six_photos_are_too_many(classify_url: str) -> None:
    """Each costs a forward pass; the code tells an app how to put it to a person."""
    body = asked(classify_url, *(encoded(noise(16, 16, seed=n)) for n in range(6))).json()
    assert (body["status"], body["code"]) == (422, "too_many_photos")


def test_an_error_says_which_photo_it_is_about(classify_url: str, galahs: list[bytes]) -> None:
    """Whether the header shows it or only decoding does; nothing is half answered."""
    for damaged, status, code in (
        (b"GIF89a" + bytes(64), 415, "unsupported_media"),
        (b"", 400, "invalid_image"),
        (encoded(noise(64, 64, seed=5), "PNG")[:900], 422, "invalid_image"),
    ):
        response = asked(classify_url, galahs[0], damaged, galahs[1])
        assert_problem(response, status, code, photo=2)
        assert response.json()["detail"].startswith("photo 2: ")


def test_the_limit_is_for_all_bytes_together(classify_url: str) -> None:
    """Five photos must not take five times the memory."""
    response = asked(classify_url, bytes(11 * 2**20), bytes(11 * 2**20))
    assert_problem(response, 413, "photo_too_large")


def test_the_first_versions_form_takes_one(classify_url: str, galahs: list[bytes]) -> None:
    """It answers a list of probabilities, which has no room for more."""
    encoded_photo = base64.b64encode(galahs[0]).decode()
    response = asked(classify_url, *galahs, data={"b64": encoded_photo})
    alone = requests.post(classify_url, data={"b64": encoded_photo}, timeout=60)
    assert response.text == alone.text


def test_what_is_saved_is_one_photo(save_url: str, galahs: list[bytes]) -> None:
    """An observation has one; several are several saves."""
    fresh = [data + b"saved" for data in galahs[:2]]
    files = [("image", (f"{number}.jpg", data)) for number, data in enumerate(fresh)]
    headers = {"Authorization": "Bearer local:together"}
    form = {"species": "eolophus-roseicapilla"}
    both = requests.post(save_url, files=files, data=form, headers=headers, timeout=60)
    alone = requests.post(save_url, files=files[:1], data=form, headers=headers, timeout=60)
    assert both.status_code == 201
    assert both.json()["id"] == alone.json()["id"]
