"""Strange files get an answer or a clear refusal, and the process survives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
import requests
from PIL import Image

from tests.support.photos import ODD
from tests.support.problems import assert_problem

if TYPE_CHECKING:
    from local.stack import Running

FILES = sorted(path.relative_to(ODD) for path in ODD.rglob("*") if path.is_file())
MEMORY_LIMIT = 400 * 2**20


def functions_process(running: Running) -> psutil.Process:
    (pid,) = [pid for name, _, pid in running.parts if name == "functions"]
    return psutil.Process(pid)


def resident(process: psutil.Process) -> int:
    return max(child.memory_info().rss for child in (process, *process.children(recursive=True)))


@pytest.mark.parametrize("name", FILES or [Path("none")], ids=str)
def test_an_odd_file_is_answered_or_refused_clearly(
    odd: Path, name: Path, classify_url: str, save_url: str, running: Running
) -> None:
    """No file takes the process down, and none is an internal error."""
    data = (odd / name).read_bytes()
    workers = functions_process(running).children()
    classified = requests.post(classify_url, files={"image": data}, timeout=60)
    saved = requests.post(
        save_url,
        files={"image": data},
        data={"index": "2"},
        headers={"Authorization": "Bearer local:odd"},
        timeout=60,
    )
    if classified.status_code == 200:
        assert 0 <= classified.json()["parrot"]["probability"] <= 1
        assert saved.status_code in {200, 201}
    else:
        assert classified.status_code in {400, 415, 422}
        assert_problem(classified, classified.status_code)
        assert_problem(saved, classified.status_code, classified.json()["code"])
    assert functions_process(running).children() == workers
    assert resident(functions_process(running)) < MEMORY_LIMIT


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("empty.jpg", 400),
        ("html-as.jpg", 415),
        ("animated.gif", 415),
        ("photo.bmp", 415),
        ("photo.tif", 415),
        ("truncated.jpg", 422),
        ("truncated-header.jpg", 422),
        ("photo.heic", 200),
        ("cmyk.jpg", 200),
        ("gray16.png", 200),
        ("wrong-ext.png", 200),
        ("panorama-6000x300.jpg", 200),
        ("animated.webp", 200),
    ],
)
def test_derived_files_get_the_expected_status(
    odd: Path, name: str, status: int, classify_url: str
) -> None:
    """What is read and what is refused is a decision, not an accident."""
    data = (odd / "derived-parrot" / f"blue-and-gold-macaw-{name}").read_bytes()
    assert requests.post(classify_url, files={"image": data}, timeout=60).status_code == status


def test_the_same_bird_in_other_files_is_still_the_same_bird(odd: Path, classify_url: str) -> None:
    """Format, transparency, colour space and depth must not change the answer."""
    for name in ("photo.heic", "cmyk.jpg", "rgba.png", "progressive.jpg", "lossless.webp"):
        data = (odd / "derived-parrot" / f"blue-and-gold-macaw-{name}").read_bytes()
        body = requests.post(classify_url, files={"image": data}, timeout=60).json()
        assert body["species"][0]["id"] == "ara-ararauna", name


def test_a_sideways_phone_photo_is_answered_upright(odd: Path, classify_url: str) -> None:
    """Twelve megapixels, EXIF orientation 6: width and height are those a person sees."""
    path = odd / "derived-parrot" / "scarlet-macaw-phone12mp-orient6-gps-3.jpg"
    with Image.open(path) as stored:
        width, height = stored.size
    body = requests.post(classify_url, files={"image": path.read_bytes()}, timeout=60).json()
    assert (body["photo"]["width"], body["photo"]["height"]) == (height, width)
    assert body["species"][0]["id"] == "ara-macao"
