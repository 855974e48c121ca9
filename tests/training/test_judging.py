"""Judging answers: the same steps as in production, and what they count as right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.arrays import Floats
from models.data.labelled_photos import Group, LabelledPhoto
from models.evaluation import answers
from models.training import card
from parrot.model.decision import Vocabulary
from parrot.model.rules import NamingPolicy, Rules
from parrot.model.species import Taxonomy
from parrot.records import Rank, Scores

SPECIES = ("ara-macao", "cacatua")
TAXONOMY = Taxonomy.parse((Path(__file__).parents[2] / "models/data/taxonomy.csv").read_bytes())
NAMES = Vocabulary(SPECIES, ("macaws", "cockatoos"), TAXONOMY, sure=0.7)
RULES = Rules(0.6, naming=NamingPolicy(0.95, other=0.5, share=0.2, sure=0.7))


def answered(*species: float) -> answers.Answers:
    """To one photo that surely shows a parrot; groups are as likely as not."""

    def score(looks: Floats) -> Scores:
        return Scores(np.ones(len(looks)), None, looks, np.full((len(looks), 2), 0.5))

    return answers.answer(score, np.array([[species]], np.float32), RULES)


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
    found = answered(0.9, 0.0, 0.1)
    (row,) = answers.results(found, [photo], np.array([-1]), [""], NAMES, 0.95).named
    assert row is not None
    assert (row.rank, row.right) == (rank, right)


def test_a_group_is_right_for_any_of_its_species() -> None:
    """A military macaw is a macaw."""
    photo = LabelledPhoto(Path("a.jpg"), Group.PARROTS, "military-macaw", "macaws", "a", "s")
    found = answered(0.1, 0.0, 0.9)
    assert found.decision.scores.groups is not None
    found.decision.scores.groups[:] = [0.9, 0.1]
    (row,) = answers.results(found, [photo], np.array([-1]), [""], NAMES, 0.95).named
    assert row is not None
    assert (row.rank, row.right) == (Rank.GROUP, True)


@pytest.mark.parametrize(("alone", "named"), [(None, 1.0), (0.5, 1.0), (0.3, 0.0)])
def test_a_species_in_whose_place_a_group_is_named_is_not_given_as_the_one_name(
    alone: float | None, named: float
) -> None:
    """Else the card would count against the model what it does not say."""
    photo = LabelledPhoto(Path("a.jpg"), Group.PARROTS, "scarlet-macaw", "ara-macao", "a", "s")

    def score(looks: Floats) -> Scores:
        return Scores(np.ones(len(looks)), None, looks, np.array([[0.9, 0.1]]))

    rules = replace(RULES, naming=NamingPolicy(0.95, other=0.5, share=0.2, sure=0.7, alone=alone))
    found = answers.answer(score, np.array([[[0.6, 0.0, 0.4]]], np.float32), rules)
    results = answers.results(found, [photo], np.array([0]), [""], NAMES, 0.95)
    assert results.figures()["taxon"]["one_name"]["rate"] == named
    assert results.set_sizes.tolist() == [1]


def test_a_target_is_missed_by_what_is_lacking() -> None:
    """The card says by how much."""
    kept, birds = card.TARGETS[0], card.TARGETS[3]
    assert kept.missed(0.95, 0.98) == pytest.approx(0.03)
    assert kept.missed(0.99, 0.98) == 0
    assert birds.missed(0.02, 0.01) == pytest.approx(0.01)
    assert birds.missed(0.005, 0.01) == 0
