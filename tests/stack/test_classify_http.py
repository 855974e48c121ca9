"""classify over HTTP: every way to send a photo, both versions' answers, clear problems."""

from __future__ import annotations

import base64
import gzip
import json
import socket
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import pytest
import requests

from local.stack import DEFAULT_BUNDLE, ROOT
from tests.support.default_bundle import SERVED
from tests.support.photos import encoded, named, noise
from tests.support.problems import assert_problem

if TYPE_CHECKING:
    from pathlib import Path

README = ROOT / "README.md"
FORM = "application/x-www-form-urlencoded"


def curl(*arguments: str) -> str:
    done = subprocess.run(["curl", "-sS", *arguments], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def galah(photos: Path) -> Path:
    return named(photos / "parrots" / "galah")[0]


@pytest.mark.smoke
def test_another_bird_is_not_a_parrot_and_has_no_species(classify_url: str, photos: Path) -> None:
    """A confident wrong name is worse than none."""
    path = named(photos / "other_birds" / "golden-eagle")[0]
    response = requests.post(classify_url, files={"image": path.read_bytes()}, timeout=30)
    assert response.status_code == 200
    assert response.json()["parrot"]["is_parrot"] is False
    assert response.json()["species"] == []


@pytest.mark.smoke
def test_the_answer_is_the_documented_json(classify_url: str, galah: Path) -> None:
    """App developers code against these names."""
    response = requests.post(
        classify_url, files={"image": galah.read_bytes() + b"not asked before"}, timeout=30
    )
    body = response.json()
    assert list(body) == ["parrot", "species", "set", "model", "photo", "taxon"]
    assert (body["taxon"]["rank"], body["taxon"]["id"]) == ("species", "eolophus-roseicapilla")
    assert list(body["species"][0]) == [
        "index",
        "id",
        "scientific_name",
        "names",
        "cites",
        "probability",
    ]
    assert len(body["species"]) == 5
    version = json.loads((DEFAULT_BUNDLE / "manifest.json").read_text())["version"]
    assert body["model"]["bundle"] == version
    assert body["model"]["classifier"].startswith("ParrotClassifier/")
    assert set(body["photo"]) == {"sha256", "width", "height", "focus"}
    assert [part.split(";")[0] for part in response.headers["Server-Timing"].split(", ")] == [
        "decode",
        "model",
        "gate",
    ]


def test_a_known_species_is_in_the_set_and_a_stranger_gets_none(
    classify_url: str, photos: Path, galah: Path
) -> None:
    """An honest "not sure" instead of a confident wrong name."""
    body = requests.post(classify_url, files={"image": galah.read_bytes()}, timeout=30).json()
    assert body["set"] == {"coverage": 0.95, "species": ["eolophus-roseicapilla"], "unknown": False}
    strangers = [
        requests.post(classify_url, files={"image": path.read_bytes()}, timeout=30).json()
        for path in named(photos / "parrots" / "eastern-rosella", 5)
    ]
    assert all(body["parrot"]["is_parrot"] for body in strangers)
    assert sum(body["set"]["species"] == [] and body["set"]["unknown"] for body in strangers) >= 3


@pytest.mark.smoke
def test_curl_sends_a_photo_in_every_documented_way(classify_url: str, galah: Path) -> None:
    """They are one photo, so they get one answer."""
    encoded_photo = base64.b64encode(galah.read_bytes()).decode()
    answers = [
        curl("-F", f"image=@{galah}", classify_url),
        curl("--data-binary", f"@{galah}", "-H", "Content-Type: image/jpeg", classify_url),
        curl("--data-binary", f"@{galah}", classify_url),
        requests.post(classify_url, json={"image": encoded_photo}, timeout=30).text,
        requests.post(
            classify_url, json={"image": f"data:image/jpeg;base64,{encoded_photo}"}, timeout=30
        ).text,
    ]
    assert len(set(answers)) == 1
    assert json.loads(answers[0])["species"][0]["id"] == "eolophus-roseicapilla"


def test_the_readmes_calls_work_as_they_are_printed(
    running_url: str, galah: Path, tmp_path: Path
) -> None:
    """The first thing that people copy."""
    section = README.read_text("utf-8").partition("## Call it")[2]
    block = section.partition("```sh\n")[2].partition("```")[0]
    commands = block.replace("http://127.0.0.1:8080", running_url).replace("\\\n", " ")
    (tmp_path / "photo.jpg").write_bytes(galah.read_bytes())
    (tmp_path / "photo.base64").write_bytes(base64.b64encode(galah.read_bytes()))
    answers = [
        subprocess.run(
            ["bash", "-c", f"{command} -sS"], cwd=tmp_path, capture_output=True, check=True
        ).stdout
        for command in (line.partition("   #")[0] for line in commands.splitlines())
    ]
    plain, top, first_version, saved = map(json.loads, answers)
    assert plain["species"][0]["id"] == top["species"][0]["id"] == "eolophus-roseicapilla"
    assert len(top["species"]) == 3
    assert len(first_version) == 16
    assert saved["labels"][0]["species"] == "nestor-notabilis"


def test_top_limits_the_ranking_which_leaves_the_rest_to_another_parrot(
    classify_url: str, galah: Path
) -> None:
    """One line for a small screen, all of them for an expert."""
    data = galah.read_bytes()
    first = requests.post(f"{classify_url}?top=1", data=data, timeout=30).json()["species"]
    every = requests.post(f"{classify_url}?top=100", data=data, timeout=30).json()["species"]
    assert len(first) == 1
    assert len(every) == 22
    assert 0.9 < sum(row["probability"] for row in every) < 1
    assert [row["probability"] for row in every] == sorted(
        (row["probability"] for row in every), reverse=True
    )


@pytest.mark.smoke
def test_the_first_versions_form_gets_the_first_versions_list(
    classify_url: str, galah: Path, tmp_path: Path
) -> None:
    """Phones that were never updated still work."""
    text = tmp_path / "photo.b64"
    text.write_text(base64.b64encode(galah.read_bytes()).decode())
    answer = curl("--data-urlencode", f"b64@{text}", classify_url)
    probabilities = json.loads(answer)
    assert len(probabilities) == 16
    assert sum(probabilities) == pytest.approx(1, abs=1e-5)
    assert probabilities.index(max(probabilities)) == 6
    assert answer == json.dumps(probabilities)


@pytest.mark.smoke
def test_the_first_versions_form_says_not_parrot(classify_url: str, photos: Path) -> None:
    """Byte for byte: the phones compare the text."""
    data = named(photos / "negatives" / "food")[0].read_bytes()
    response = requests.post(classify_url, data={"b64": base64.b64encode(data)}, timeout=30)
    assert response.content == b"Not parrot"
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"


def test_a_form_field_of_megabytes_is_accepted(classify_url: str) -> None:
    """Flask by itself refuses form fields over 500 kB."""
    data = encoded(noise(1500, 1200), "JPEG", quality=95)
    assert len(data) > 1_500_000
    response = requests.post(classify_url, data={"b64": base64.b64encode(data)}, timeout=30)
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"data": b"", "headers": {"Content-Type": "image/jpeg"}}, 400, "invalid_image"),
        ({"data": b"", "headers": {"Content-Type": FORM}}, 400, "invalid_image"),
        ({"files": {"photo": b"x"}}, 400, "invalid_image"),
        ({"data": {"b64": "***"}}, 400, "invalid_image"),
        ({"data": {"b64": ""}}, 400, "invalid_image"),
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400, "invalid_request"),
        ({"data": b"[" * 99999, "headers": {"Content-Type": "application/json"}}, 400, None),
        ({"json": ["x"]}, 400, "invalid_image"),
        ({"json": {"image": 5}}, 400, "invalid_image"),
        ({"json": {"image": "é"}}, 400, "invalid_image"),
        ({"data": b"GIF89a", "headers": {"Content-Type": "image/gif"}}, 415, "unsupported_media"),
        ({"data": b"<a/>", "headers": {"Content-Type": "text/xml"}}, 415, "unsupported_media"),
        ({"files": {"image": b"\xff\xd8\xff\xe0 no jpeg"}}, 422, "invalid_image"),
        (
            {"data": b"--x", "headers": {"Content-Type": "multipart/form-data; boundary=y"}},
            400,
            "invalid_image",
        ),
        ({"data": b"--x", "headers": {"Content-Type": "multipart/form-data"}}, 400, None),
        ({"data": b"x", "params": {"top": "0"}}, 400, "invalid_request"),
        ({"data": b"x", "params": {"top": "000000001999"}}, 400, "invalid_request"),
        ({"data": b"x", "params": {"top": "٣"}}, 400, "invalid_request"),
        ({"data": b"x", "headers": {"Authorization": "Basic eDp5"}}, 401, "unauthenticated"),
        ({"data": b"x", "headers": {"Authorization": "Bearer hello"}}, 401, "unauthenticated"),
    ],
)
def test_bad_requests_get_a_problem_that_names_them(
    classify_url: str, request_: dict[str, object], status: int, code: str | None
) -> None:
    """The app can tell a person what to do; nothing is a server error."""
    response = requests.post(classify_url, timeout=30, **request_)  # type: ignore[arg-type]
    assert_problem(response, status, code)


def test_a_compressed_body_is_refused_and_the_answer_says_why(classify_url: str) -> None:
    """Some HTTP clients compress bodies; "not an image" would not help their authors."""
    data = gzip.compress(encoded(noise(64, 48)))
    for kind in ("image/jpeg", FORM, "application/json"):
        headers = {"Content-Type": kind, "Content-Encoding": "gzip"}
        response = requests.post(classify_url, data=data, headers=headers, timeout=30)
        assert_problem(response, 415, "unsupported_media")
        assert "compressed (gzip)" in response.json()["detail"]
    plain = {"Content-Type": "image/jpeg", "Content-Encoding": "identity"}
    answer = requests.post(classify_url, encoded(noise(64, 48)), headers=plain, timeout=30)
    assert answer.status_code == 200


@pytest.mark.smoke
def test_a_body_over_the_limit_is_refused(classify_url: str) -> None:
    """Twenty megabytes are enough for any phone."""
    response = requests.post(
        classify_url, data=bytes(29 * 2**20), headers={"Content-Type": "image/jpeg"}, timeout=60
    )
    assert_problem(response, 413, "photo_too_large")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("classify", "POST, GET, HEAD, OPTIONS"),
        ("save", "POST, OPTIONS"),
        ("observations", "GET, HEAD, OPTIONS"),
        ("observations/some-id", "GET, PATCH, DELETE, HEAD, OPTIONS"),
    ],
)
def test_other_methods_are_refused_with_the_allowed_ones(
    running_url: str, path: str, allowed: str
) -> None:
    """RFC 9110 asks for Allow, and OPTIONS says the same."""
    url = f"{running_url}/parrot-classifier/{path}"
    refused = requests.put(url, timeout=30)
    assert_problem(refused, 405, "method_not_allowed")
    options = requests.options(url, timeout=30)
    assert options.status_code == 204
    assert "Content-Type" not in options.headers
    assert refused.headers["Allow"] == options.headers["Allow"] == allowed


def test_a_path_that_does_not_exist_is_a_problem_that_a_program_can_read(running_url: str) -> None:
    """An HTML page is useless to it."""
    for path in ("", "/", "/image", "/classifying", "/classify/more", "/observations/a/b/c"):
        for method in ("GET", "POST", "DELETE"):
            url = f"{running_url}/parrot-classifier{path}"
            assert_problem(requests.request(method, url, timeout=30), 404, "not_found")


@pytest.mark.smoke
def test_the_page_about_errors_is_where_every_problem_points(classify_url: str) -> None:
    """A link in `type` leads to an explanation."""
    problem = requests.delete(classify_url, timeout=30).json()
    page = requests.get(urljoin(classify_url, problem["type"]), timeout=30)
    assert page.headers["Content-Type"].startswith("text/html")
    assert f'id="{problem["code"]}"' in page.text


def test_get_answers_readiness_and_versions(classify_url: str) -> None:
    """Operators and load balancers ask."""
    body = requests.get(classify_url, timeout=30).json()
    assert body["status"] == "ready"
    assert body["models"] == [SERVED]


def test_the_function_answers_whatever_the_path_before_it(running_url: str, galah: Path) -> None:
    """Its own URL, Hosting's rewrite and a trailing slash are the same function."""
    url = f"{running_url}/parrot-classifier/classify/"
    assert requests.post(url, files={"image": galah.read_bytes()}, timeout=30).ok


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"[" + b"{}," * 1_000_000 + b"{}]"),
        (FORM, b"a&" * 1_000_000),
        ("application/json", b'{"image": "eA==", "x": [' + b"1," * 200 + b"1]}"),
    ],
)
def test_more_values_than_any_client_sends_are_refused(
    classify_url: str, kind: str, body: bytes
) -> None:
    """Parsed, a million empty ones would take gigabytes."""
    response = requests.post(classify_url, data=body, headers={"Content-Type": kind}, timeout=30)
    assert_problem(response, 400, "invalid_request")


def test_a_chunked_body_over_the_limit_is_refused_as_such(classify_url: str) -> None:
    """Its length is not known in advance."""
    chunks = (bytes(2**20) for _ in range(32))
    headers = {"Content-Type": "image/jpeg"}
    response = requests.post(classify_url, data=chunks, headers=headers, timeout=60)
    assert_problem(response, 413, "photo_too_large")


def test_a_body_of_broken_chunks_is_the_callers_mistake(running_url: str) -> None:
    """A proxy that gives up halfway is not an internal error."""
    host, port = running_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as raw:
        raw.sendall(
            b"POST /parrot-classifier/classify HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            b"Content-Type: image/jpeg\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc"
        )
        raw.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400"), answer[:200]


@pytest.mark.parametrize("header", [b"RIFF\0\0\0\0WEBPjunk", b"\xff\xd8\xffjunkjunkjunk"])
def test_decoders_messages_are_not_passed_on(classify_url: str, header: bytes) -> None:
    """Addresses and module names help only an attacker."""
    response = requests.post(classify_url, files={"image": header}, timeout=30)
    assert_problem(response, 422, "invalid_image")
    assert response.json()["detail"].endswith("is damaged or incomplete")


def test_an_answer_from_memory_says_so(classify_url: str) -> None:
    """Server-Timing tells what was waited for."""
    photo = encoded(noise(16, 16, seed=77))
    first, again = (requests.post(classify_url, data=photo, timeout=30) for _ in range(2))
    assert first.json() == again.json()
    assert first.headers["Server-Timing"].startswith("decode;dur=")
    assert again.headers["Server-Timing"].startswith("cache;desc=hit;dur=")
