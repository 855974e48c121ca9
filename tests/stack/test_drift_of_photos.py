"""Drift in what the log says of real photos, compared with the default bundle's own baseline."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from PIL import Image

from models.evaluation import drift
from models.evaluation.baseline import NAME, Baseline, PhotoLine, parsed
from models.folders import DEFAULT_BUNDLE
from tests.support.photos import encoded
from tests.support.waiting import until

PARROTS, OTHERS = 60, 45


def tiny(photo: bytes) -> bytes:
    """As an app that sends its thumbnail."""
    with Image.open(io.BytesIO(photo)) as image:
        image.thumbnail((64, 64))
        return encoded(image.convert("RGB"), quality=88)


@pytest.mark.timeout(900)  # some 300 forward passes
def test_a_week_of_thumbnails_is_found_and_a_usual_one_is_quiet(
    photos: Path, data: Path, classify_url: str
) -> None:
    """The baseline that is published has to know the answers of the model beside it."""
    _, *rows = (photos / "index.csv").read_text("utf-8").splitlines()
    parrots = [row for row in rows if row.startswith("parrots/")]
    others = [row for row in rows if not row.startswith("parrots/")]
    chosen = [*parrots[:: len(parrots) // PARROTS], *others[:: len(others) // OTHERS]]
    week = [(photos / row.partition(",")[0]).read_bytes() for row in chosen]

    def logged(app: str, sent: list[bytes]) -> list[PhotoLine]:
        """What the log says once all are classified; other tests may have sent the same photos."""
        headers = {"Content-Type": "image/jpeg", "X-App-Version": app}

        def ask(photo: bytes) -> int:
            body = photo + app.encode()
            return requests.post(classify_url, body, headers=headers, timeout=60).status_code

        with ThreadPoolExecutor(3) as phones:
            assert set(phones.map(ask, sent)) == {200}

        def lines() -> list[PhotoLine]:
            text = (data / "logs" / "functions.log").read_text("utf-8")
            return [line for line in parsed(text) if line.app == app]

        until(lambda: len(lines()) == len(sent), "a line for each photo")
        return lines()

    kept = Baseline.load((DEFAULT_BUNDLE / NAME).read_bytes())
    quiet = drift.compare((kept, kept), logged("usual-week", week))
    small = drift.compare((kept, kept), logged("tiny-week", [tiny(photo) for photo in week]))
    assert quiet
    assert [row.sentence for row in quiet if row.drift] == []
    assert {"side", "sharpness", "distance"} <= {row.measure.name for row in small if row.drift}
