"""Several photos of one bird: one batched request, one joint answer, and honest contradictions."""

from dataclasses import replace

import numpy as np
import pytest

from parrot import budget, logs
from parrot.cache import CachedClassifier
from parrot.classify import Classifier
from parrot.errors import InvalidImage
from parrot.http import answers
from parrot.model.decision import decide, join, joined
from parrot.model.look import View
from parrot.model.rules import Conformal
from parrot.photo import images
from parrot.records import Photo, Scores, Together
from tests.support.photos import DECODER, encoded, noise
from tests.support.scripted_model import (
    DOUBT,
    LOOK,
    NO_PARROT,
    RULES,
    STRANGER,
    SURE,
    TWO,
    Scripted,
    bundle,
    classifier,
)

A, B, C = (images.read(encoded(noise(120, 80, seed=seed), "PNG")) for seed in range(3))
OTHER = (4.0, 0.0, 9.0, 0.0, 6.0)  # the other macaw
FAR = (-2.0, 9.0, 0.0, 0.0, 6.0)


def told(asking: Classifier | CachedClassifier, *photos: Photo) -> Together:
    return joined(asking.bundle, asking.classify_each(photos))


def asked(*looks: tuple[float, ...], photos: int = 2) -> Together:
    return told(classifier(Scripted(list(looks)), second_look=None), *(A, B, C)[:photos])


def chosen(together: Together) -> list[str]:
    likely = together.answer.species_set
    return [] if likely is None else [row.id for row in likely.species]


def test_all_photos_travel_in_one_request_and_all_second_looks_in_another() -> None:
    """A phone waits for each round trip."""
    both = replace(LOOK, views=(View.CENTER, View.CLOSER))
    server = Scripted([SURE, DOUBT, TWO, SURE, SURE, SURE, SURE])
    together = told(classifier(server, second_look=both), A, B, C)
    assert server.requests == [3, 4]
    steps = [timing.step for timing in together.answer.timings]
    assert steps == ["decode", "model", "gate", "look-again"]


def test_each_photo_is_answered_as_if_it_came_alone() -> None:
    """A person may want to see the answer for a single photo."""
    together = told(classifier(Scripted([SURE, DOUBT, SURE])), A, B)
    alone = [
        classifier(Scripted(list(looks))).classify(photo)
        for looks, photo in (((SURE,), A), ((DOUBT, SURE), B))
    ]
    assert [replace(answer, timings=()) for answer in together.photos] == [
        replace(answer, timings=()) for answer in alone
    ]


def test_the_joint_answer_says_what_two_photos_agree_on() -> None:
    """And the photos agree: of one series they would make it overconfident otherwise."""
    together = asked(SURE, SURE)
    assert together.agree
    assert chosen(together) == ["ara-macao"]
    joint, alone = (
        [answer.parrot_probability, *(row.probability for row in answer.species)]
        for answer in (together.answer, together.photos[0])
    )
    assert joint == pytest.approx(alone)


@pytest.mark.parametrize(
    ("looks", "agree", "names", "taxon"),
    [
        # That is what people take a second photo for.
        ((TWO, SURE), True, ["ara-macao"], "ara-macao"),
        # One confident name would be wrong for one of them.
        ((SURE, OTHER), False, ["ara-macao", "ara-ararauna"], "macaws"),
        ((STRANGER, SURE), True, ["ara-macao"], "ara-macao"),  # an empty set is no name
    ],
)
def test_photos_have_the_names_of_those_that_can_tell(
    looks: tuple[tuple[float, ...], ...], names: list[str], taxon: str, *, agree: bool
) -> None:
    """Where they contradict each other, of both."""
    together = asked(*looks)
    assert (together.agree, chosen(together)) == (agree, names)
    assert together.answer.taxon is not None
    assert together.answer.taxon.taxon.id == taxon


def test_sets_by_the_served_models_logits_are_widened_too() -> None:
    """A bundle without heads crashed on photos that contradict each other."""
    given = bundle(second_look=None, naming=None, conformal=Conformal(0.95, cut=1.0))
    old = replace(given, naming=None, taxonomy=None)
    server = Scripted([SURE, SURE], logits=[(2.0, -2.0), (-2.0, 2.0)])
    together = told(Classifier(old, server, DECODER), A, B)
    assert not together.agree
    assert chosen(together) == ["ara-macao", "ara-ararauna"]


def test_the_set_has_nothing_less_likely_than_what_it_leaves_out() -> None:
    """A percentage beside a name must not contradict the set."""
    seen = ([0.9, 1e-6, 0.05, 0.05], [0.1, 0.85, 0.05, 0.0])  # of three species and another parrot
    photos = [decide(Scores(np.array(0.9), None, np.array(names), None), RULES) for names in seen]
    joint, agree = join(photos, RULES)
    assert not agree
    assert joint.in_set is not None
    assert joint.in_set.tolist() == [True] * 3  # the third is likelier than the second


def test_a_photo_without_a_parrot_does_not_affect_the_name() -> None:
    """Of three photos two may be blurred: the other one knows."""
    blurred = (-9.0, 0.0, 9.0, 0.0, 6.0)
    together = asked(SURE, blurred, blurred, photos=3)
    assert [answer.is_parrot for answer in together.photos] == [True, False, False]
    assert together.answer.is_parrot
    assert chosen(together) == ["ara-macao"]
    assert together.agree


def test_a_joint_answer_is_a_parrot_only_if_a_photo_is() -> None:
    """The joint probability is between those of the photos."""
    together = asked(NO_PARROT, FAR)
    assert not together.answer.is_parrot
    assert (together.answer.species, together.answer.species_set) == ((), None)
    low, high = sorted(answer.parrot_probability for answer in together.photos)
    assert low <= together.answer.parrot_probability <= high


def test_two_photos_that_may_show_a_parrot_may_show_it_together() -> None:
    """Those that are less sure give the name only of a bird that no photo shows for sure."""
    unsure = [DOUBT, (-0.1, *OTHER[1:])]
    server = Scripted([*unsure, SURE, *unsure])
    asking = classifier(server, second_look=None, maybe=0.4)
    together, with_a_sure_one = told(asking, A, B), told(asking, C, A, B)
    assert [photo.maybe for photo in together.photos] == [True, True]
    assert (together.answer.is_parrot, together.answer.maybe) == (False, True)
    assert (together.agree, len(chosen(together))) == (False, 2)
    assert (with_a_sure_one.answer.is_parrot, chosen(with_a_sure_one)) == (True, ["ara-macao"])


def test_known_photos_are_not_asked_again() -> None:
    """A person adds a photo to the two that were answered."""
    server = Scripted([SURE, SURE, OTHER])
    cached = CachedClassifier(classifier(server, second_look=None), size=9)
    (first,) = cached.classify_each([A])
    together = told(cached, A, B, C)
    assert server.requests == [1, 2]
    assert replace(together.photos[0], timings=()) == replace(first, timings=())
    assert together.answer.timings[0].description == "1-of-3"
    again = told(cached, C, B, A)
    assert server.requests == [1, 2]
    assert again.answer.parrot_probability == pytest.approx(together.answer.parrot_probability)


@pytest.mark.parametrize("known", [0, 1, 2])
def test_a_damaged_photo_is_named_by_its_place_also_beside_known_ones(known: int) -> None:
    """Which of five to take again: only unknown ones reach the classifier, which counts those."""
    cached = CachedClassifier(classifier(Scripted([SURE, SURE]), second_look=None), size=9)
    for photo in (A, C)[:known]:
        cached.classify_each([photo])
    damaged = replace(B, data=B.data[: len(B.data) // 2], sha256="damaged")
    with pytest.raises(InvalidImage) as caught:
        told(cached, A, C, damaged)
    assert caught.value.photo == 3


def test_answers_of_two_model_versions_are_not_joined() -> None:
    """What the older one said of a photo is asked again."""
    server = Scripted([SURE, SURE, SURE, SURE])
    cached = CachedClassifier(classifier(server, second_look=None), size=9)
    cached.classify_each([A])
    server.version_name = "M/2"
    together = told(cached, A, B)
    assert {answer.models for answer in together.photos} == {(("classifier", "M/2"),)}


def test_the_requests_line_of_the_log_says_what_it_took_and_for_how_many_photos(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Operators see who is expensive, and what it was for."""
    logs.begin(None)
    with budget.billed(budget.Bill()):
        budget.bill().add(1.5)
        answers.joint_classification(asked(SURE, OTHER), None, top=5)
    with caplog.at_level("INFO", "parrot"):
        logs.request()
    noted = caplog.records[-1].__dict__["fields"]
    assert noted["cpu_seconds"] >= 1.5
    assert (noted["photos"], noted["agree"], noted["verdict"]["set"]) == (2, False, 2)


def test_an_error_about_all_photos_names_none_of_them() -> None:
    """A person would remove the wrong one."""
    bill = budget.Bill()
    bill.add(budget.MOST_SECONDS)
    with pytest.raises(InvalidImage, match="together take too long") as caught, budget.billed(bill):
        told(CachedClassifier(classifier(Scripted([])), size=9), A, B)
    assert caught.value.photo is None
