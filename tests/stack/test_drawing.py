"""The drawing that stands in for a photo in a fresh clone."""

from __future__ import annotations

import numpy as np
import requests
from PIL import Image

from local.samples import MACAW
from local.samples.draw import macaw


def test_the_committed_picture_is_what_its_script_draws() -> None:
    """If the script changes, the picture must too; JPEG may differ by a few levels."""
    with Image.open(MACAW) as committed:
        difference = np.asarray(committed, np.float32) - np.asarray(macaw(), np.float32)
    assert difference.shape == (1000, 1000, 3)
    assert np.abs(difference).mean() < 3


def test_the_model_recognises_the_parrot_in_the_drawing(classify_url: str) -> None:
    """It is the first thing that a clone without photos sees; nothing is faked for it."""
    with MACAW.open("rb") as drawing:
        answer = requests.post(classify_url, files={"image": drawing}, timeout=60).json()
    assert answer["parrot"]["probability"] > 0.9
    assert answer["species"][0]["id"] == "ara-ararauna"
