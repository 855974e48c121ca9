"""Fine-tuning: resumed to the same weights, served as it was fitted, taken only where allowed."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.data.dataset import KINDS, NO_BIRD, OTHER_BIRD, Dataset
from models.data.labelled_photos import TAXONOMY_CSV, Group, LabelledPhoto
from models.data.samples import Sample, Views
from models.folders import DEFAULT_BUNDLE
from models.network import model_folder
from models.network.backbone import CELLS, FEATURES, TRUNK_CHANNELS, Backbone
from models.network.lazy_tf import tf
from models.network.model_folder import INPUT
from models.network.weights import TAIL_FILE, Tail
from models.publishing import releases
from models.publishing.release_store import FolderStore
from models.training.heads import LinearHead
from models.training.tuner import Batches, Recipe, Tuned, tune
from parrot.adapters.bucket import FolderFiles
from parrot.errors import BadBundle
from parrot.model.manifest import MANIFEST, Manifest, digest
from parrot.model.species import Taxonomy
from tests.support.waiting import kill_once

RECIPE = Recipe(steps=6, batch=4, every=2)
SPECIES = ("ara-macao", "cacatua")


def dataset() -> Dataset:
    """Three photos each of two species, other birds and no birds; the features do not matter.

    In the last sample of each the next best window is beside the bird.
    """
    labels = [(Group.PARROTS, "ara-macao")] * 3 + [(Group.PARROTS, "cacatua")] * 3
    labels += [(Group.OTHER_BIRDS, "crow")] * 3 + [(Group.NEGATIVES, "food")] * 3
    photos = [
        LabelledPhoto(
            Path(f"{number}.jpg"), group, label, label if group is Group.PARROTS else None, "c", "s"
        )
        for number, (group, label) in enumerate(labels)
    ]
    samples = [(Sample(photo.path),) * 3 for photo in photos]
    features = np.zeros((len(photos), 3, 4, 4), np.float32)
    seen = np.ones((len(photos), 3, 4), np.float32)
    seen[:, 2, Views.SECOND] = 0
    signs = np.zeros((len(photos), 3, 3), np.float32)
    fold, taxonomy = np.zeros(len(photos), np.intp), Taxonomy.parse(TAXONOMY_CSV.read_bytes())
    return Dataset(photos, SPECIES, taxonomy, samples, features, fold, signs, seen, len(SPECIES))


def run(checkpoint: Path) -> Tuned:
    """The run that every test compares with: seeded maps, the published backbone, blank heads."""
    data = dataset()
    rng = np.random.default_rng(5)
    maps = rng.normal(size=(len(data.photos), 3, 4, CELLS, CELLS, TRUNK_CHANNELS))
    heads = [
        LinearHead(np.zeros((FEATURES, count), np.float32), np.zeros(count, np.float32))
        for count in (KINDS, len(SPECIES) + 1, max(1, len(data.group_ids)), len(SPECIES))
    ]
    usable = np.ones((len(data.photos), 3), bool)
    batches = Batches(data, usable, RECIPE.batch, seed=0)
    return tune(
        Backbone.load(),
        heads,
        batches,
        maps.astype(np.float16),
        recipe=RECIPE,
        checkpoint=checkpoint,
    )


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    """A run that nothing disturbed."""
    return run(tmp_path_factory.mktemp("whole") / "state.npz")


def test_a_run_that_was_killed_ends_with_the_same_weights(tuned: Tuned, tmp_path: Path) -> None:
    """Half an hour on two cores is long enough for something to come between."""
    checkpoint = tmp_path / "state.npz"
    command = (
        f"from pathlib import Path; from {__name__} import run; run(Path({str(checkpoint)!r}))"
    )
    kill_once(checkpoint.exists, "-c", command)
    with np.load(checkpoint) as state:
        assert 0 < int(state["done"]) <= RECIPE.steps
    half = checkpoint.with_suffix(".tmp.npz")
    half.write_bytes(b"half of a state")  # it has its name only when it is complete
    resumed = run(checkpoint)
    assert not half.exists()
    for mine, other in zip(_arrays(resumed), _arrays(tuned), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-5)


def test_fine_tuning_changes_weights(tuned: Tuned) -> None:
    """Otherwise the tests below would compare a network with itself."""
    published = Backbone.load().tail
    assert any(
        np.abs(mine - other).max() > 1e-3
        for mine, other in zip(tuned.tail.kernels, published.kernels, strict=True)
    )


def _arrays(tuned: Tuned) -> list[Any]:
    return [
        *tuned.tail.kernels,
        *tuned.tail.biases,
        *(part for head in tuned.heads for part in (head.weights, head.biases)),
    ]


def test_a_batch_is_the_same_whenever_its_step_is_drawn() -> None:
    """Otherwise a run that goes on would learn from other photos."""
    data = dataset()
    usable = np.ones((len(data.photos), 3), bool)
    usable[0] = False
    batches = Batches(data, usable, 64, seed=3)
    first, again = batches.draw(7), replace(batches).draw(7)
    for mine, other in zip(_fields(first), _fields(again), strict=True):
        np.testing.assert_array_equal(mine, other)
    assert 0 not in first.photos, "a held-out photo was drawn"
    assert not (first.samples[first.kinds == OTHER_BIRD] == 0).any(), "under stress only"
    beside = (first.samples == 2) & (first.views == Views.SECOND)
    assert beside.any()
    assert (first.kinds[beside] == NO_BIRD).all(), "a view beside the bird shows none"
    assert (first.species[beside] == -1).all()


def _fields(batch: Any) -> list[Any]:
    return [batch.photos, batch.samples, batch.views, batch.mirrored, batch.kinds, batch.species]


@pytest.fixture(scope="module")
def bundle(tuned: Tuned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default bundle with other last blocks."""
    folder = shutil.copytree(DEFAULT_BUNDLE, tmp_path_factory.mktemp("bundle") / "b")
    manifest = Manifest.parse((DEFAULT_BUNDLE / MANIFEST).read_bytes())
    data = tuned.tail.dump()
    (folder / TAIL_FILE).write_bytes(data)
    changed = replace(manifest, files={**manifest.files, TAIL_FILE: digest(data)})
    (folder / MANIFEST).write_bytes(changed.dump())
    return folder


def test_a_bundle_with_its_own_last_blocks_serves_the_features_that_were_fitted_on(
    bundle: Path, tuned: Tuned, tmp_path: Path
) -> None:
    """Heads fitted on other features would answer at random. Within 1e-4 of lengths of 17."""
    folder = model_folder.build(bundle, tmp_path)
    assert model_folder.is_built(bundle, tmp_path)
    pixels = np.random.default_rng(2).integers(0, 256, (2, INPUT.height, INPUT.width, 3))
    served = (
        tf()
        .saved_model.load(str(folder))
        .signatures["floats"](pixels=tf().constant(pixels, tf().float32))
    )
    backbone = Backbone.load()
    expected = backbone.with_tail(tuned.tail).features(pixels.astype(np.float32)).numpy()
    np.testing.assert_allclose(served["features"].numpy(), expected, atol=1e-4)
    published = backbone.features(pixels.astype(np.float32)).numpy()
    assert np.abs(published - expected).max() > 1e-2


def test_damaged_last_blocks_are_refused_by_build_and_by_publish(
    bundle: Path, tmp_path: Path
) -> None:
    """Functions never read them, so nothing later would notice."""
    damaged = shutil.copytree(bundle, tmp_path / "bundle")
    data = bytearray((damaged / TAIL_FILE).read_bytes())
    data[len(data) // 2] ^= 1
    (damaged / TAIL_FILE).write_bytes(bytes(data))
    with pytest.raises(BadBundle, match=TAIL_FILE):
        model_folder.build(damaged, tmp_path / "models")
    with pytest.raises(BadBundle, match=TAIL_FILE):
        releases.publish(FolderFiles(damaged), FolderStore(tmp_path / "releases"))


def test_last_blocks_that_cannot_be_read_or_are_of_another_network_are_a_bad_bundle(
    tuned: Tuned,
) -> None:
    """A digest only says that a file is what was written."""
    with pytest.raises(BadBundle, match="cannot be read"):
        Tail.load(b"not a zip")
    with pytest.raises(BadBundle, match="finite"):
        Tail.load(Tail((np.full((1, 1), np.nan, np.float32),), (np.zeros(1, np.float32),)).dump())
    fewer = Tail(tuned.tail.kernels[1:], tuned.tail.biases[1:])
    with pytest.raises(BadBundle, match="does not fit"):
        Backbone.load().with_tail(fewer)
