"""classify over HTTP: every way to send a photo, and both versions' answers."""

import base64
import json
from pathlib import Path

import pytest
import requests

from local.stack import ROOT
from tests.support.commands import printed
from tests.support.default_bundle import SERVED
from tests.support.photos import encoded, named, noise

README = ROOT / "README.md"


def curl(*arguments: str) -> str:
    return printed("curl", "-sS", *arguments)


@pytest.fixture
def galah(photos: Path) -> Path:
    return named(photos / "parrots" / "galah")[0]


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
        printed("bash", "-c", f"{command} -sS", cwd=tmp_path)
        for command in (line.partition("   #")[0] for line in commands.splitlines())
    ]
    plain, top, first_version, saved = map(json.loads, answers)
    assert plain["species"][0]["id"] == top["species"][0]["id"] == "eolophus-roseicapilla"
    assert [len(answer["species"]) for answer in (plain, top)] == [5, 3]
    assert len(first_version) == 16
    assert saved["labels"][0]["species"] == "ara-macao"


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


def test_get_answers_readiness_and_versions(classify_url: str) -> None:
    """Operators and load balancers ask."""
    body = requests.get(classify_url, timeout=30).json()
    assert body["status"] == "ready"
    assert body["models"] == [SERVED]


def test_an_answer_from_memory_says_so(classify_url: str) -> None:
    """Server-Timing tells what was waited for."""
    photo = encoded(noise(16, 16, seed=77))
    first, again = (requests.post(classify_url, data=photo, timeout=30) for _ in range(2))
    assert first.json() == again.json()
    assert first.headers["Server-Timing"].startswith("decode;dur=")
    assert again.headers["Server-Timing"].startswith("cache;desc=hit;dur=")
