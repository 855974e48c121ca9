"""Compressed texts and partial photos, from the running stack."""

import gzip
from collections.abc import Mapping

import requests

from tests.support.phone import BASE, Phone
from tests.support.photos import encoded, noise
from tests.support.problems import assert_problem

PLAIN = {"Accept-Encoding": "identity"}
GZIP = {"Accept-Encoding": "gzip"}


def wire(url: str, headers: Mapping[str, str]) -> tuple[requests.Response, bytes]:
    """A response and the bytes of its body as they travelled."""
    response = requests.get(url, headers=headers, timeout=60, stream=True)
    return response, response.raw.read(decode_content=False)


def test_the_page_travels_compressed(running_url: str) -> None:
    """As from Hosting; and is the same page."""
    for path in ("/", "/app/main.js", "/style.css", "/openapi.json", "/errors", "/species.json"):
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


def test_a_page_of_observations_travels_compressed(ana: Phone) -> None:
    """With the tag of that form, which gets 304 as long as nothing changes."""
    for seed in range(8):
        ana.save(31_000 + seed)
    ana.all_settled(8)  # so that nothing changes
    url = f"{ana.url}{BASE}/observations"
    mine = {"Authorization": f"Bearer local:{ana.user}"}
    _, text = wire(url, mine | PLAIN)
    packed, data = wire(url, mine | GZIP)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert {"Accept-Encoding", "Authorization"} <= set(packed.headers["Vary"].split(", "))
    assert len(gzip.decompress(data)) == len(text) > 3 * len(data)


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
