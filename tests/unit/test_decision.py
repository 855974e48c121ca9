"""Decisions: the same for one photo as for many, and sets that hold together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from parrot.model.decision import decide, in_doubt, ranking, score
from parrot.model.rules import NamingPolicy, Rules
from parrot.records import Scores
from tests.support.scripted_model import DOUBT, NO_PARROT, STRANGER, SURE, TWO, bundle

if TYPE_CHECKING:
    from parrot.records import Flags, Floats

RNG = np.random.default_rng(5)


def sets(species: Floats, *, other: float, share: float) -> Flags:
    rules = Rules(0.5, naming=NamingPolicy(0.95, other, share, sure=0.7))
    in_set = decide(Scores(np.ones(len(species)), None, species, None), rules).in_set
    assert in_set is not None
    return in_set


def test_one_photo_is_decided_as_in_an_evaluation() -> None:
    """An evaluation that decided in its own way would judge another service."""
    given = bundle()
    rules = given.manifest.rules
    features = np.array([[SURE, TWO], [STRANGER, DOUBT], [NO_PARROT, SURE]], np.float32)
    every = decide(score(given, features), rules)
    assert every.is_parrot.shape == (3, 2)
    assert rules.second_look is not None
    for where in np.ndindex(3, 2):
        single = decide(score(given, features[where]), rules)
        assert every.scores.parrot[where] == pytest.approx(single.scores.parrot)
        assert ranking(every.scores.at(where)) == pytest.approx(ranking(single.scores))
        assert every.is_parrot[where] == single.is_parrot
        np.testing.assert_array_equal(every.at(where).in_set, single.in_set)
        assert in_doubt(every, rules.second_look)[where] == in_doubt(single, rules.second_look)


def test_a_set_holds_what_is_likely_and_nothing_if_it_is_another_parrot() -> None:
    """An empty set says: none of the known species."""
    probabilities = np.array(
        [[0.9, 0.05, 0.0, 0.05], [0.4, 0.3, 0.1, 0.2], [0.5, 0.05, 0.0, 0.45]], np.float32
    )
    assert sets(probabilities, other=0.4, share=0.2).tolist() == [
        [True, False, False],
        [True, True, False],
        [False, False, False],
    ]


def test_what_is_in_a_set_is_likelier_than_what_is_not() -> None:
    """A percentage beside a name must not contradict the set."""
    probabilities = RNG.dirichlet(np.ones(5), 500).astype(np.float32)
    chosen_sets = sets(probabilities, other=0.9, share=0.15)
    for row, chosen in zip(probabilities[:, :-1], chosen_sets, strict=True):
        if chosen.any() and not chosen.all():
            assert row[chosen].min() >= row[~chosen].max()
