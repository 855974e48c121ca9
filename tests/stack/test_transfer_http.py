"""Compressed texts and partial photos, from the running stack."""

from __future__ import annotations

import gzip
import uuid
from typing import TYPE_CHECKING

import pytest
import requests

from local.samples import MACAW
from tests.support.phone import BASE, Phone
from tests.support.photos import encoded, noise
from tests.support.problems import assert_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

PLAIN = {"Accept-Encoding": "identity"}
GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture
def ana(running_url: str) -> Phone:
    """A user for this test alone."""
    return Phone(running_url, f"ana-{uuid.uuid4().hex}")


def wire(url: str, headers: Mapping[str, str]) -> tuple[requests.Response, bytes]:
    """A response and the bytes of its body as they travelled."""
    response = requests.get(url, headers=headers, timeout=60, stream=True)
    return response, response.raw.read(decode_content=False)


@pytest.mark.parametrize(
    "path", ["/", "/app/main.js", "/style.css", "/openapi.json", "/errors", "/species.json"]
)
def test_the_page_is_sent_compressed(running_url: str, path: str) -> None:
    """As from Hosting; and is the same page."""
    plain, text = wire(running_url + path, PLAIN)
    packed, data = wire(running_url + path, GZIP)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert len(data) == int(packed.headers["Content-Length"]) < len(text)
    assert gzip.decompress(data) == text
    known = {**GZIP, "If-None-Match": packed.headers.get("ETag", "*")}
    again = requests.get(running_url + path, headers=known, timeout=60)
    assert again.status_code == (304 if "ETag" in packed.headers else 200)


def test_icons_are_sent_uncompressed(running_url: str) -> None:
    """PNG is compressed already."""
    response, _ = wire(f"{running_url}/icons/192.png", GZIP)
    assert "Content-Encoding" not in response.headers


def test_a_page_of_observations_travels_compressed(ana: Phone) -> None:
    """With the tag of that form, which gets 304 as long as nothing changes."""
    for seed in range(8):
        ana.save(31_000 + seed)
    url = f"{ana.url}{BASE}/observations"
    mine = {"Authorization": f"Bearer local:{ana.user}"}
    _, text = wire(url, mine | PLAIN)
    packed, data = wire(url, mine | GZIP)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert {"Accept-Encoding", "Authorization"} <= set(packed.headers["Vary"].split(", "))
    assert len(gzip.decompress(data)) == len(text) > 3 * len(data)


def test_a_classification_travels_compressed_to_those_who_ask(classify_url: str) -> None:
    """All sixteen species are three kilobytes of text."""
    plain, packed = (
        requests.post(f"{classify_url}?top=16", data=MACAW.read_bytes(), headers=asked, timeout=60)
        for asked in (PLAIN, GZIP)
    )
    assert plain.json() == packed.json()
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"


def test_a_broken_download_continues_where_it_ended(ana: Phone) -> None:
    """The original, for its owner; by If-Range only if it is still that photo."""
    data = encoded(noise(400, 300, seed=31_200))
    name = ana.ask("POST", "/save?index=1", data=data).json()["id"]
    path = f"/observations/{name}/original"
    whole = ana.get(path, headers=GZIP)
    assert (whole.headers["Accept-Ranges"], whole.content) == ("bytes", data)
    assert "Content-Encoding" not in whole.headers
    tag = whole.headers["ETag"]
    rest = ana.get(path, headers={"Range": "bytes=1000-", "If-Range": tag})
    assert (rest.status_code, rest.content) == (206, data[1000:])
    assert rest.headers["Content-Range"] == f"bytes 1000-{len(data) - 1}/{len(data)}"
    other = ana.get(path, headers={"Range": "bytes=1000-", "If-Range": '"another"'})
    assert (other.status_code, other.content) == (200, data)
    beyond = ana.get(path, headers={"Range": f"bytes={len(data)}-"})
    assert_problem(beyond, 416, "range_not_satisfiable")
    assert beyond.headers["Content-Range"] == f"bytes */{len(data)}"


def test_derived_files_are_sent_in_part_too(ana: Phone) -> None:
    """By their URL alone, as an image view asks."""
    body = ana.settled(ana.save(31_300))
    assert body["status"] != "rejected", body["reason"]
    for url in body["files"].values():
        whole = requests.get(url, timeout=60).content
        part = requests.get(url, headers={"Range": "bytes=10-19"}, timeout=60)
        assert (part.status_code, part.content) == (206, whole[10:20])


def test_head_of_a_file_tells_its_length_and_that_parts_can_be_had(ana: Phone) -> None:
    """What a download manager asks first."""
    data = encoded(noise(100, 100, seed=31_400))
    name = ana.ask("POST", "/save?index=1", data=data).json()["id"]
    head = ana.ask("HEAD", f"/observations/{name}/original", headers={"Range": "bytes=0-9"})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(data))
    assert head.headers["Accept-Ranges"] == "bytes"
