"""The drawing that stands in for a photo in a fresh clone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests
from PIL import Image

from local.drawing import draw_parrot

if TYPE_CHECKING:
    from pathlib import Path


def test_the_drawing_is_the_same_each_time(tmp_path: Path) -> None:
    """A demo that answers differently each time explains nothing."""
    first, second = (draw_parrot(tmp_path / name) for name in ("one.png", "deeper/two.png"))
    with Image.open(first) as one, Image.open(second) as two:
        assert one.size == (1000, 1000)
        assert one.tobytes() == two.tobytes()


def test_the_model_recognises_the_parrot_in_the_drawing(classify_url: str, tmp_path: Path) -> None:
    """It is the first thing that a clone without photos sees; nothing is faked for it."""
    with draw_parrot(tmp_path / "parrot.png").open("rb") as drawing:
        answer = requests.post(classify_url, files={"image": drawing}, timeout=60).json()
    assert answer["parrot"]["probability"] > 0.9
    assert answer["species"][0]["id"] == "ara-ararauna"
