"""Decisions: the same for one photo as for many, by the look that saw most."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from models.arrays import Floats
from models.evaluation import answers
from parrot.classify import Classifier
from parrot.model.decision import combined, score, sees_nothing
from parrot.model.heads import ThreeWay
from parrot.model.look import WINDOWS, SecondLook, View
from parrot.records import Scores
from tests.support.photos import DECODER
from tests.support.scripted_model import EVIDENCE, LOOK, PHOTO, Scripted, bundle

RNG = np.random.default_rng(5)


@pytest.mark.parametrize(
    "policy", [None, LOOK, replace(EVIDENCE, nothing=None), replace(EVIDENCE, caution=3.0)]
)
def test_a_service_answers_as_an_evaluation_judges(policy: SecondLook | None) -> None:
    """Thresholds are chosen by an evaluation: combined another way, looks would miss them."""
    given = bundle(second_look=policy)
    # The gate reads parrot, other bird and no bird from the first, the fourth and the fifth.
    gate = replace(given.gate, scorer=ThreeWay(np.eye(5)[:, [0, 3, 4]], np.zeros(3)))
    given = replace(given, gate=gate)
    looks = RNG.normal(0, 3, (100, 1 + len(View), 5)).astype(np.float32)
    judged = answers.answer(partial(score, given), looks, given.manifest.rules)
    passes = set(judged.looks.tolist())
    assert passes == ({1} if policy is None else {1, 1 + len(policy.views)})
    places = {view: place for place, view in enumerate(View, 1)}
    for row, photo in enumerate(looks):
        nothing = policy is not None and sees_nothing(score(given, photo[0]), policy)
        views = WINDOWS if nothing else () if policy is None else policy.views
        server = Scripted([tuple(photo[place]) for place in (0, *(places[view] for view in views))])
        answer = Classifier(given, server, DECODER).classify(PHOTO)
        assert sum(server.requests) == judged.looks[row]
        expected = judged.decision.at(row)
        assert answer.decision is not None
        assert answer.parrot_probability == pytest.approx(float(expected.scores.parrot))
        assert answer.decision.scores.others == pytest.approx(expected.scores.others)
        assert answer.decision.scores.species == pytest.approx(expected.scores.species)
        np.testing.assert_array_equal(answer.decision.in_set, expected.in_set)
        assert answer.is_parrot == expected.is_parrot


def seen(
    *looks: tuple[float, float, float], policy: SecondLook = EVIDENCE
) -> tuple[float, float, float]:
    """Parrot, other bird and no bird by all looks, from those by each."""

    def score(kinds: Floats) -> Scores:
        return Scores(kinds[..., 0], kinds[..., 1:], None, None)

    every = combined(score, np.array(looks, np.float32), policy, nothing=True)
    assert every.others is not None
    return float(every.parrot), *every.others.tolist()


def test_the_closer_look_decides_as_far_as_the_first_saw_nothing() -> None:
    """A bird at a quarter of the frame is nothing in the whole photo: a mean would outvote it."""
    nothing, parrot, bird = (0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)
    assert seen(nothing, parrot) == pytest.approx(parrot)
    assert seen(bird, parrot) == pytest.approx(bird)
    assert seen(parrot, nothing) == pytest.approx(parrot)
    assert seen((0.2, 0.2, 0.6), (0.5, 0.25, 0.25)) == pytest.approx((0.5, 0.35, 0.15))
    wary = replace(EVIDENCE, caution=3.0)
    assert seen(nothing, (0.5, 0.0, 0.5), policy=wary) == pytest.approx((0.25, 0.0, 0.75))
