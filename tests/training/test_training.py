"""Training: features are computed once, figures mean what they say, bundles load."""

import json
import sqlite3
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from models.evaluation import metrics
from models.evaluation.baseline import NAME, Baseline
from models.folders import DEFAULT_BUNDLE
from models.network.weights import TAIL_FILE
from parrot.adapters.bucket import FolderFiles
from parrot.model.bundle import Bundle
from tests.support import commands
from tests.support.photos import encoded, named, noise
from tests.support.waiting import kill_once

RNG = np.random.default_rng(11)
models = partial(commands.models, COLUMNS="160")
SPECIES = {
    "galah": "eolophus-roseicapilla",
    "sun-conure": "aratinga-solstitialis",
    "cockatiel": "nymphicus-hollandicus",
}


@pytest.fixture(scope="module")
def small_set(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough to tell three species apart: five photos of each, other birds and food."""
    root = tmp_path_factory.mktemp("small")
    chosen = {f"parrots/{label}": named(photos / "parrots" / label, 5) for label in SPECIES}
    birds = sorted((photos / "other_birds").glob("*/*.jpg"))
    chosen["other_birds/mixed"] = birds[:: len(birds) // 6]  # any will do
    chosen["negatives/food"] = named(photos / "negatives" / "food", 6)
    for folder, paths in chosen.items():
        (root / folder).mkdir(parents=True)
        for path in paths:
            (root / folder / path.name).write_bytes(path.read_bytes())
    lines = ["index,id,scientific_name,en,ko,cites"]
    lines += [f"{n},{id_},{id_},{label},{label}," for n, (label, id_) in enumerate(SPECIES.items())]
    (root / "species.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features of those photos, once for both fits."""
    return tmp_path_factory.mktemp("cache") / "features.sqlite"


def fit_command(small_set: Path, cache: Path, out: Path) -> list[str]:
    command = ["fit", str(small_set), "--species", str(small_set / "species.csv")]
    return [*command, "--cache", str(cache), "--out", str(out), "--version", "test"]


@pytest.mark.timeout(600)  # six fits of the last blocks take over two minutes of two cores
def test_fit_goes_on_after_a_kill_and_shows_both_models_and_takes_at_most_one(
    small_set: Path, cache: Path, tmp_path: Path
) -> None:
    """Extraction takes longest; nobody should have to wait for it twice.

    Whichever is taken, the card says what was compared; a bundle with tuned blocks has them.
    """
    out = tmp_path / "bundle"
    command = [*fit_command(small_set, cache, out), "--finetune", "--steps", "2"]
    kill_once(lambda: _rows(cache), "-m", "models", *command)
    kept = _rows(cache)
    assert kept
    done = models(*command)
    assert done.returncode == 0, done.stderr
    assert kept < _rows(cache), "a feature that is computed again gets another row"
    manifest = json.loads((out / "manifest.json").read_text())
    accepted = manifest["metrics"]["fine_tuning"]["accepted"]
    assert (TAIL_FILE in manifest["files"]) == accepted
    card = (out / "MODEL_CARD.md").read_text()
    assert f"## Fine-tuning: {'accepted' if accepted else 'not accepted'}" in card
    assert "non-birds let through, stressed" in card
    assert "fine-tuned: 6 of 6" in done.stderr
    assert len(list((cache.parent / "fine-tuning").glob("*.npz"))) == 6  # five folds, everything


def test_fit_writes_a_bundle_that_loads_and_is_judged_and_compared(
    small_set: Path, cache: Path, tmp_path: Path
) -> None:
    """Without fine-tuning, and by the commands for that."""
    out = tmp_path / "bundle"
    done = models(*fit_command(small_set, cache, out))
    assert done.returncode == 0, done.stderr
    loaded = Bundle.load(FolderFiles(out), sha256=None)
    assert loaded.manifest.classes == 3
    every = len([*small_set.rglob("*.jpg")])
    assert Baseline.load(FolderFiles(out).read(NAME)).photos == every
    figures = json.loads((out / "manifest.json").read_text())["metrics"]["cross_validation"]
    assert figures["species"]["top1"]["rate"] > 0.8
    assert figures["gate"]["negatives_let_through"]["rate"] < 0.2
    assert "test" in (out / "MODEL_CARD.md").read_text()
    evaluated = models(
        "evaluate", str(small_set), "--bundle", str(out), "--cache", str(cache),
        "--metrics", str(tmp_path / "metrics.json"),
    )  # fmt: skip
    assert evaluated.returncode == 0, evaluated.stderr
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["species"]["photos"] == 15
    assert metrics["reasons"], "why a stressed photo was not taken for a parrot"
    compared = models("compare", str(out), str(out), str(small_set), "--cache", str(cache))
    assert "no difference shown" in compared.stdout
    refused = models("compare", str(DEFAULT_BUNDLE), str(out), str(tmp_path))
    assert "has other species than" in refused.stderr, "before anybody waits for features"


def _rows(cache: Path) -> set[tuple[int, bytes]]:
    """Of the table that is written last of each photo: what is killed before is computed again."""
    try:
        with sqlite3.connect(cache) as db:
            return set(db.execute("SELECT rowid, key FROM maps"))
    except sqlite3.OperationalError:
        return set()


def test_a_species_without_photos_is_named(tmp_path: Path) -> None:
    """A head fitted without a species would still rank it."""
    (tmp_path / "photos" / "parrots" / "kea").mkdir(parents=True)
    (tmp_path / "photos" / "parrots" / "kea" / "1.jpg").write_bytes(encoded(noise()))
    done = models("fit", str(tmp_path / "photos"), "--cache", str(tmp_path / "cache"))
    assert done.returncode == 1
    assert "missing: photos of psittacus-erithacus, amazona" in done.stderr.replace("\n", " ")


def test_calibration_error_is_zero_for_calibrated_and_large_for_overconfident_probabilities() -> (
    None
):
    """The card quotes this figure."""
    probability = RNG.uniform(size=50_000)
    calibrated = RNG.uniform(size=50_000) < probability
    assert metrics.expected_calibration_error(probability, calibrated) < 0.01
    overconfident = np.full(1000, 0.99)
    half = np.arange(1000) % 2 == 0
    assert metrics.expected_calibration_error(overconfident, half) == pytest.approx(0.49)


def test_a_threshold_keeps_at_least_the_stated_share() -> None:
    """The policy says at least, not about."""
    scores = RNG.normal(size=577)
    for share in (0.9, 0.975, 1.0):
        assert (scores >= metrics.threshold_keeping(scores, share)).mean() >= share


def test_a_paired_difference_sees_what_two_separate_rates_would_not() -> None:
    """Because the same photos were judged twice."""
    before = (np.arange(400) % 10 != 0).astype(float)
    after = before.copy()
    after[:400:40] = 1
    mean, low, high = metrics.paired_difference(before, after)
    assert mean == pytest.approx(10 / 400)
    assert 0 < low < mean < high
    separate = [metrics.wilson(int(right.sum()), len(right)) for right in (before, after)]
    assert separate[0][1] > separate[1][0], "the intervals of the two rates overlap"


def test_the_tools_explain_themselves_quickly() -> None:
    """--help must not wait for TensorFlow or scikit-learn."""
    told = commands.done(
        sys.executable, "-X", "importtime", "-m", "models", "--help", COLUMNS="100"
    )
    assert "promote" in told.stdout
    assert "tensorflow" not in told.stderr
    assert "sklearn" not in told.stderr


def test_help_breaks_its_lines_where_the_terminal_does() -> None:
    """The lines of a docstring are longer than a terminal's: broken twice, they are ragged."""
    told = commands.models("backfill", "--help", COLUMNS="80").stdout
    assert "where it stopped, and a second run does nothing. Nothing is written to the" in told
