"""Drift in the answers to real photos, compared with the default bundle's own baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.data import labelled_photos
from models.data.features import Extractor
from models.evaluation import drift
from models.evaluation.baseline import NAME, Baseline
from models.folders import DEFAULT_BUNDLE
from tests.training.simulated_weeks import answered, changed, tiny

if TYPE_CHECKING:
    from pathlib import Path

PARROTS, OTHERS = 60, 45


@pytest.mark.timeout(900)  # 840 forward passes
def test_a_week_of_thumbnails_is_found_and_a_usual_one_is_quiet(
    photos: Path, tmp_path: Path
) -> None:
    """The baseline that is published has to know the answers of the model beside it."""
    heading, *rows = (photos / "index.csv").read_text("utf-8").splitlines()
    index = tmp_path / "index.csv"
    parrots = [row for row in rows if row.startswith("parrots/")]
    others = [row for row in rows if not row.startswith("parrots/")]
    chosen = [*parrots[:: len(parrots) // PARROTS], *others[:: len(others) // OTHERS]]
    index.write_text(
        "\n".join([heading, *(f"{photos.resolve()}/{row}" for row in chosen)]), "utf-8"
    )
    week = labelled_photos.read(index)
    kept = Baseline.load((DEFAULT_BUNDLE / NAME).read_bytes())
    extractor = Extractor(tmp_path / "features.sqlite")
    quiet = answered(DEFAULT_BUNDLE, week, extractor, tmp_path)
    small = answered(DEFAULT_BUNDLE, changed(week, tmp_path / "tiny", tiny), extractor, tmp_path)
    assert [row.sentence for row in drift.compare((kept, kept), quiet) if row.drift] == []
    found = {row.measure.name for row in drift.compare((kept, kept), small) if row.drift}
    assert {"side", "sharpness", "distance"} <= found
