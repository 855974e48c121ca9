"""Reasons over HTTP: eagles, plates, and photos that show too little."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image, ImageEnhance
from PIL.ImageFilter import GaussianBlur

from parrot.http.tips import TIPS
from parrot.records import Reason
from tests.support.photos import encoded, named

LABELS = ("galah", "sun-conure", "cockatiel", "scarlet-macaw", "budgerigar")


def ask(url: str, image: bytes) -> dict[str, Any]:
    body: dict[str, Any] = requests.post(url, files={"image": image}, timeout=60).json()
    return body


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("folder", "reason"),
    [("other_birds/golden-eagle", Reason.OTHER_BIRD), ("negatives/food", Reason.NO_BIRD)],
)
def test_another_bird_and_no_bird_say_so(
    classify_url: str, photos: Path, folder: str, reason: Reason
) -> None:
    """The person learns what the model saw, in both languages."""
    body = ask(classify_url, named(photos / folder)[0].read_bytes())
    assert (body["parrot"]["is_parrot"], body["species"]) == (False, [])
    assert (body["reason"], body["tip"]) == (reason, TIPS[reason])


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda image: ImageEnhance.Brightness(image).enhance(0.06), Reason.TOO_DARK),
        (lambda image: image.filter(GaussianBlur(min(image.size) / 64)), Reason.BLURRED),
        (lambda image: image.resize((40, 40)), Reason.TOO_SMALL),
    ],
    ids=["dark", "blurred", "tiny"],
)
def test_bad_photos_of_parrots_get_the_right_reason(
    classify_url: str, photos: Path, spoil: Callable[[Image.Image], Image.Image], reason: Reason
) -> None:
    """For those that are no longer recognised; never one of the other two reasons."""
    given: Counter[str] = Counter()
    for label in LABELS:
        for path in named(photos / "parrots" / label, 3):
            with Image.open(path) as opened:
                spoilt = spoil(opened.convert("RGB"))
            body = ask(classify_url, encoded(spoilt, quality=90))
            if not body["parrot"]["is_parrot"]:
                given[body.get("reason", "")] += 1
    faults = {Reason.TOO_DARK, Reason.BLURRED, Reason.TOO_SMALL} - {reason}
    assert given[reason] >= 1, given
    assert not faults & given.keys(), given
