"""Heads that start from another one's weights: what new photos move, and what they leave."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.data import species_table
from models.data.dataset import NO_BIRD, NOT_ALIVE, OTHER_BIRD, PARROT, Dataset
from models.data.labelled_photos import NOT_ALIVE as FIGURE
from models.data.labelled_photos import BadDataset, Group, LabelledPhoto
from models.data.samples import Sample
from models.folders import DEFAULT_BUNDLE
from models.training.candidate import Anchor, Base
from models.training.heads import LinearHead, blank_heads, drawn, drawn_heads
from parrot.errors import BadBundle
from parrot.model.heads import Gate, LogisticCurve
from parrot.model.manifest import GATE, NAMING
from parrot.records import NOT_A_PARROT
from tests.support.default_bundle import SPECIES, TABLE, TAXONOMY

RNG = np.random.default_rng(5)
# Three classes along the first three of eight features.
OLD = LinearHead(np.eye(8, 3, dtype=np.float32) * 6, np.zeros(3, np.float32))


def around(axis: int, count: int = 40) -> np.ndarray:
    rows = np.eye(8)[axis] + RNG.normal(0, 0.1, (count, 8))
    return np.asarray(rows, np.float32)


def refitted(x: np.ndarray, y: list[int], strength: float = 1.0) -> LinearHead:
    return drawn(x, np.eye(3, dtype=bool)[y], np.ones(len(y)), OLD, strength=strength)


def test_what_new_photos_do_not_contradict_stays_nearly_as_it_was() -> None:
    """A class that nobody saved must not be forgotten."""
    new = refitted(np.vstack([around(0), around(1)]), [0] * 40 + [1] * 40)
    moved = np.abs(new.weights - OLD.weights).max()
    assert moved < 0.5
    assert (new(around(2)).argmax(axis=1) == 2).all()


def test_new_evidence_moves_the_weights() -> None:
    """Birds of the first class that look as none did before: old weights cannot tell them."""
    strange = np.vstack([around(7), around(1)])
    before, after = OLD(around(7)), refitted(strange, [0] * 40 + [1] * 40)(around(7))
    assert (before.argmax(axis=1) == 0).mean() < 0.9
    assert (after.argmax(axis=1) == 0).all()


def test_weaker_evidence_moves_less() -> None:
    """The strength says how much a photo counts against what was known."""
    x, y = around(7), [0] * 40
    near, far = (np.abs(refitted(x, y, s).weights - OLD.weights).sum() for s in (0.01, 1.0))
    assert near < far / 2


def test_of_classes_that_a_photo_may_be_the_old_weights_choose() -> None:
    """Who says "not a parrot" does not say which other kind: the model may know that better."""
    seen, said = around(1) + around(7), np.tile([False, True, True], (40, 1))
    new = drawn(seen, said, np.ones(40), OLD, strength=1.0)
    np.testing.assert_array_equal(new(seen).argmax(axis=1), 1)
    np.testing.assert_array_less(new(seen)[:, 0], OLD(seen)[:, 0])
    told = refitted(seen, [2] * 40)(seen)
    assert (told.argmax(axis=1) == 2).all()


def dataset(kinds: list[tuple[Group, str]], features: np.ndarray) -> Dataset:
    """Photos of these groups and taxa, all views of which have the same features (photos, 8)."""
    photos = [
        LabelledPhoto(Path(f"{number}.jpg"), group, taxon, taxon, str(number), "")
        for number, (group, taxon) in enumerate(kinds)
    ]
    shape, samples = (len(photos), 1), [(Sample(photo.path),) for photo in photos]
    views = np.tile(features[:, None, None].astype(np.float32), (1, 1, 4, 1))
    unknown = np.full((*shape, 4), np.nan, np.float32)
    fold, signs = np.zeros(len(photos), np.intp), np.zeros((*shape, 3), np.float32)
    return Dataset(photos, ["ara-macao"], TAXONOMY, samples, views, fold, signs, unknown, 1)


def test_four_toys_do_not_weigh_as_much_as_eighty_parrots() -> None:
    """They look like them; a gate for which both weighed the same would let go of parrots."""
    kinds = [(Group.PARROTS, "ara-macao")] * 80 + [(Group.NEGATIVES, FIGURE)] * 4
    features = np.tile(np.eye(8)[0] * 17, (84, 1))  # as long as a photo's
    data = dataset(kinds, features)
    gate = drawn_heads(data, blank_heads(data)).gate(features[0])
    assert gate[PARROT] - gate[NOT_ALIVE] > 1


def test_what_is_not_a_parrot_stays_what_the_gate_took_it_for() -> None:
    """People say no more than that: birds that pass for parrots would become "no bird"."""
    kinds = [(Group.PARROTS, "ara-macao")] * 20 + [(Group.NEGATIVES, NOT_A_PARROT.id)] * 20
    features = np.repeat(np.eye(8)[:2] * 17, 20, axis=0)
    data = dataset(kinds, features)
    start = blank_heads(data)
    start.gate.weights[1, OTHER_BIRD] = 0.1
    gate = drawn_heads(data, start).gate(features[-1])
    assert gate[OTHER_BIRD] > gate[[PARROT, NO_BIRD, NOT_ALIVE]].max() + 1.7  # as it was
    assert gate[PARROT] < gate[NO_BIRD]


def test_a_new_class_learns_beside_the_old_names_without_taking_their_photos() -> None:
    """It starts as a guess that holds for all its kin; only new photos say what sets it apart."""
    macaw, rosella, kea = np.eye(8)[:3] * 17
    kinds = [(Group.PARROTS, name) for name in ("ara-macao", "rosella", "kea") for _ in range(6)]
    data = replace(
        dataset(kinds, np.repeat([macaw + kea, rosella + kea, kea], 6, axis=0)),
        species=["ara-macao", "rosella"],
    )
    start = blank_heads(data)
    start.species.weights[:3] = np.array([[1, 0.6, 0], [0, 0, 0], [0, 0.5, 0.3]])
    guessed = start.species(data.features[:, 0, 0])
    assert (guessed.argmax(axis=1) == 1).all()
    told = drawn_heads(data, start, new=1).species
    assert (told(data.features[:, 0, 0]).argmax(axis=1) == np.repeat([0, 1, 2], 6)).all()
    np.testing.assert_allclose(told.weights[:, 2], start.species.weights[:, 2], atol=0.05)


def test_a_new_class_comes_before_another_parrot_and_starts_as_one_of_its_group() -> None:
    """The order of the old ones is the contract with phones and heads."""
    base = Base.read(DEFAULT_BUNDLE, ["monk-parakeet"])
    old, new = base.anchor.heads.species, base.start().species
    count = len(old.biases)
    assert base.ids[:-1] == [row.id for row in SPECIES.rows]
    assert (
        TAXONOMY.taxa["conures"] == base.taxonomy.taxa[base.taxonomy.taxa["monk-parakeet"].parent]
    )
    np.testing.assert_array_equal(new.weights[:, : count - 1], old.weights[:, :-1])
    np.testing.assert_array_equal(new.weights[:, -1], old.weights[:, -1])
    groups = base.anchor.heads.groups.weights
    conures = groups[:, base.group_ids.index("conures")] - groups.mean(axis=1)
    np.testing.assert_allclose(new.weights[:, -2] - old.weights[:, -1], conures, atol=1e-5)


def test_an_anchor_comes_back_as_it_was_kept() -> None:
    """The next retraining starts from it."""
    anchor = Base.read(DEFAULT_BUNDLE).anchor
    retrained = dict.fromkeys(anchor.files, b"retrained")
    again = Anchor.of("next", {**retrained, **anchor.kept()})
    assert again.files == anchor.files
    for name in ("gate", "species", "groups", "served"):
        mine, other = getattr(anchor.heads, name), getattr(again.heads, name)
        np.testing.assert_array_equal(mine.weights, other.weights)
        np.testing.assert_array_equal(mine.biases, other.biases)


def test_only_a_bundle_of_todays_kind_is_retrained() -> None:
    """Else heads would start from numbers that mean something else, and nobody would notice."""
    files = dict(Base.read(DEFAULT_BUNDLE).anchor.files)
    gate = Gate.load(files[GATE])
    older = replace(gate, calibration=LogisticCurve(0.8, 0.1)).dump()
    with pytest.raises(BadBundle, match="old has another kind of gate: fit it again"):
        Anchor.of("old", {**files, GATE: older})
    del files[NAMING]
    with pytest.raises(BadBundle, match="older has no names of groups: fit it again"):
        Anchor.of("older", files)


@pytest.mark.parametrize(
    "kind", ["nestor-notabilis", "Monk parakeet", "", "a/b", "not-a-parrot", "unusable", "macaws"]
)
def test_only_a_new_id_becomes_a_class(kind: str) -> None:
    """A class twice, or a name that could be no folder, or that already says something else."""
    with pytest.raises(BadDataset, match="not the id of a new class"):
        species_table.appended(TABLE, kind, TAXONOMY)
