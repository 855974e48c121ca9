"""Hostile people: what they say does not train, and the model does not get worse by it."""

import csv
from collections import Counter
from itertools import product
from pathlib import Path

import pytest

from local.loop.story import Cast, stage
from models.data.features import Extractor
from tests.simulations.poison import ATTACKS, SHARES, Outcome, World

_EACH = 20  # photos of a label, at most
_DECISIONS = 20
_LABELS = {
    *("african-grey", "blue-and-gold-macaw", "budgerigar", "cockatiel", "scarlet-macaw"),
    *("sun-conure", "eclectus", "rainbow-lorikeet", "owl", "kingfisher", "food", "animals"),
}


@pytest.fixture(scope="module")
def world(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A bundle in use, and twenty people who save photos that it never saw."""
    folder = tmp_path_factory.mktemp("poison")
    with (photos / "index.csv").open(newline="") as file:
        lines, count = list(csv.DictReader(file)), Counter[str]()
    with (folder / "some.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, lines[0].keys())
        table.writeheader()
        for line in lines:
            count[line["label"]] += 1
            if line["label"] in _LABELS and count[line["label"]] <= _EACH:
                table.writerow({**line, "path": photos / line["path"]})
    extractor = Extractor(folder / "features.sqlite")
    cast = Cast(saves=60)
    scene = stage(folder / "some.csv", folder, cast, extractor)
    return World(scene, extractor, crowd=20, seed=0)


def test_wrong_names_hardly_train_and_cost_the_model_nothing(world: World) -> None:
    """Whoever renames a kind, floods, or opens accounts must not spoil it for everybody.

    How a model does without the hostile people differs by a photo either way, so all are added up.
    """
    done = {
        (attack.name, share): world.outcome(attack, share, decisions=_DECISIONS)
        for attack, share in product(ATTACKS, SHARES)
    }
    total = Outcome.sum([*done.values()])
    assert total.confirmed_wrong > 0.01 * total.confirmed, "the model alone would be fooled"
    assert {row for row, one in done.items() if one.wrong > 0.01 * one.trains} == set()
    assert total.right >= total.without - 0.005 * total.parrots
