"""Files of observations over HTTP: copies by their URLs, the original for its owner."""

import io
from itertools import count

import requests
from PIL import Image

from tests.support.phone import BASE, Phone
from tests.support.photos import encoded, noise
from tests.support.problems import assert_problem

SEEDS = count(10_000)


def test_the_files_of_an_observation_download_from_its_urls(ana: Phone) -> None:
    """An image view of a phone takes a URL and no header."""
    name = ana.save(next(SEEDS))
    body = ana.settled(name)
    assert set(body["files"]) == {"image", "thumbnail"}
    for url in body["files"].values():
        response = requests.get(url, timeout=30)
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "image/webp"
        assert response.headers["Cache-Control"].startswith("private, max-age=")
        assert Image.open(io.BytesIO(response.content)).format == "WEBP"
        tag = {"If-None-Match": response.headers["ETag"]}
        assert requests.get(url, headers=tag, timeout=30).status_code == 304
        stranger = requests.get(url.partition("?")[0], timeout=30)
        assert_problem(stranger, 401, "unauthenticated")
        forged = requests.get(url[:-1] + ("A" if url[-1] != "A" else "Q"), timeout=30)
        assert_problem(forged, 403, "forbidden")
    swapped = body["files"]["thumbnail"].replace("/thumbnail?", "/image?")
    assert_problem(requests.get(swapped, timeout=30), 403, "forbidden")
    ana.ask("DELETE", f"/observations/{name}")
    assert_problem(requests.get(body["files"]["image"], timeout=30), 404, "not_found")


def test_the_original_is_for_its_owner_alone(ana: Phone) -> None:
    """It may say where it was taken: no URL opens it, only the user's own token."""
    data = encoded(noise(seed=next(SEEDS)))
    name = ana.ask("POST", "/save?index=1", data=data).json()["id"]
    assert ana.get(f"/observations/{name}/original").content == data
    beyond = ana.get(f"/observations/{name}/original", headers={"Range": f"bytes={len(data)}-"})
    assert_problem(beyond, 416, "range_not_satisfiable")
    assert beyond.headers["Content-Range"] == f"bytes */{len(data)}"
    token = ana.settled(name)["files"]["image"].partition("?")[2]
    path = f"{ana.url}{BASE}/observations/{name}/original?{token}"
    assert_problem(requests.get(path, timeout=30), 401, "unauthenticated")


def test_urls_lead_to_the_host_that_was_asked(ana: Phone) -> None:
    """Behind Hosting, the phone does not know the function's own host."""
    name = ana.save(next(SEEDS))
    ana.settled(name)
    hosting = {"X-Forwarded-Host": "parrots.example", "X-Forwarded-Proto": "https"}
    body = ana.get(f"/observations/{name}", headers=hosting).json()
    assert body["files"]["image"].startswith(f"https://parrots.example{BASE}/observations/{name}/")
