"""The demo's drawing, answered by the real model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from local.drawing import draw_parrot

if TYPE_CHECKING:
    from pathlib import Path


def test_the_model_takes_the_drawing_for_the_parrot_that_it_shows(
    classify_url: str, tmp_path: Path
) -> None:
    """The first thing that a clone without photos sees; nothing is faked for it."""
    with draw_parrot(tmp_path / "parrot.png").open("rb") as drawing:
        answer = requests.post(classify_url, files={"image": drawing}, timeout=60).json()
    assert answer["parrot"]["probability"] > 0.9
    assert answer["species"][0]["id"] == "ara-ararauna"
