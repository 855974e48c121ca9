"""Judging answers: the same steps as in production, and what they count as right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.data.labelled_photos import Group, LabelledPhoto
from models.evaluation import answers, metrics
from models.training import card
from parrot.model.decision import Vocabulary
from parrot.model.look import SecondLook, View
from parrot.model.rules import NamingPolicy, Rules
from parrot.model.species import Taxonomy
from parrot.records import Rank, Scores

SPECIES = ("ara-macao", "cacatua")
TAXONOMY = Taxonomy.parse((Path(__file__).parents[2] / "models/data/taxonomy.csv").read_bytes())
NAMES = Vocabulary(SPECIES, ("macaws", "cockatoos"), TAXONOMY, sure=0.7)
LOOK = SecondLook((View.CENTER, View.CLOSER), low=0.1, high=0.8)
RULES = Rules(0.6, naming=NamingPolicy(0.95, other=0.5, share=0.2, sure=0.7), second_look=LOOK)
ONE_LOOK = replace(RULES, second_look=None)


def scores(*rows: tuple[tuple[float, float], list[float], list[float]]) -> Scores:
    """Of each photo: parrot by both states, species after one look, species after all."""
    return Scores(
        parrot=np.array([parrot for parrot, _, _ in rows]),
        others=np.full((len(rows), 2, 2), 0.5),
        species=np.array([[first, every] for _, first, every in rows]),
        groups=np.full((len(rows), 2, 2), 0.5),
    )


def test_only_doubtful_photos_are_answered_by_all_looks() -> None:
    """A figure that averaged every photo's looks would be about another system."""
    clear, unclear = [0.9, 0.05, 0.05], [0.5, 0.4, 0.1]
    found = answers.answer(
        scores(
            ((0.9, 0.1), clear, unclear),
            ((0.5, 0.9), clear, clear),
            ((0.9, 0.95), unclear, clear),
            ((0.05, 0.9), clear, clear),
        ),
        RULES,
    )
    assert found.looks.tolist() == [1, 3, 3, 1]
    assert found.decision.scores.parrot.tolist() == [0.9, 0.9, 0.95, 0.05]
    assert found.decision.is_parrot.tolist() == [True, True, True, False]
    assert found.decision.in_set is not None
    assert found.decision.in_set.tolist() == [[True, False]] * 4


def test_without_a_second_look_every_photo_is_looked_at_once() -> None:
    """Older bundles are judged as they answer."""
    found = answers.answer(scores(((0.5, 0.9), [0.4, 0.4, 0.2], [1, 0, 0])), ONE_LOOK)
    assert found.looks.tolist() == [1]
    assert not found.decision.is_parrot[0]


@pytest.mark.parametrize(
    ("label", "taxon", "rank", "right"),
    [
        ("scarlet-macaw", "ara-macao", Rank.SPECIES, True),
        ("military-macaw", "macaws", Rank.SPECIES, False),
        ("umbrella-cockatoo", "cacatua", Rank.SPECIES, False),
    ],
)
def test_a_name_is_right_only_if_the_photo_shows_it(
    label: str, taxon: str, rank: Rank, *, right: bool
) -> None:
    """A macaw of another species, called a scarlet macaw, is wrong."""
    photo = LabelledPhoto(Path("a.jpg"), Group.PARROTS, label, taxon, "a", "s")
    found = answers.answer(scores(((0.9, 0.9), [0.9, 0.0, 0.1], [1, 0, 0])), ONE_LOOK)
    (row,) = answers.results(found, [photo], np.array([-1]), [""], NAMES, 0.95).named
    assert row is not None
    assert (row.rank, row.right) == (rank, right)


def test_a_group_is_right_for_any_of_its_species() -> None:
    """A military macaw is a macaw."""
    photo = LabelledPhoto(Path("a.jpg"), Group.PARROTS, "military-macaw", "macaws", "a", "s")
    found = answers.answer(scores(((0.9, 0.9), [0.1, 0.0, 0.9], [0, 0, 1])), ONE_LOOK)
    assert found.decision.scores.groups is not None
    found.decision.scores.groups[:] = [0.9, 0.1]
    (row,) = answers.results(found, [photo], np.array([-1]), [""], NAMES, 0.95).named
    assert row is not None
    assert (row.rank, row.right) == (Rank.GROUP, True)


def test_a_weighted_quantile_counts_weight_not_values() -> None:
    """Photos as they are weigh as much as all their stresses together."""
    values = np.array([3.0, 1.0, 2.0])
    assert metrics.weighted_quantile(values, np.ones(3), 0.5) == 2
    assert metrics.weighted_quantile(values, np.array([9.0, 1.0, 1.0]), 0.5) == 3
    assert metrics.weighted_quantile(values, np.ones(3), 1.0) == 3


def test_a_target_is_missed_by_what_is_lacking() -> None:
    """The card says by how much."""
    kept, birds = card.TARGETS[0], card.TARGETS[2]
    assert kept.missed(0.95, 0.98) == pytest.approx(0.03)
    assert kept.missed(0.99, 0.98) == 0
    assert birds.missed(0.02, 0.01) == pytest.approx(0.01)
    assert birds.missed(0.005, 0.01) == 0
