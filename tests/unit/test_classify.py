"""One classification: a second look only in doubt, in one request, and figures that agree."""

from dataclasses import replace

import numpy as np
import pytest

from parrot.classify import Classifier
from parrot.errors import BadModelResponse, TooExpensive
from parrot.model.embedding import DIMENSIONS, Embedding
from parrot.model.heads import ThreeWay
from parrot.model.look import SecondLook, View
from parrot.model.rules import ReasonPolicy
from parrot.records import LookAlike, Reason
from tests.support.photos import DECODER
from tests.support.scripted_model import (
    DOUBT,
    LOOK,
    MODEL,
    NAMES,
    NO_PARROT,
    PHOTO,
    STRANGER,
    SURE,
    TWO,
    OutOfTime,
    Scripted,
    bundle,
    classifier,
)

BOTH = replace(LOOK, views=(View.CENTER, View.CLOSER))


@pytest.mark.parametrize(
    ("look", "policy", "requests"),
    [
        *((look, LOOK, [1]) for look in (SURE, NO_PARROT)),  # most photos must not pay for the few
        *((look, LOOK, [1, 1]) for look in (DOUBT, TWO, STRANGER)),
        (DOUBT, BOTH, [1, 2]),  # however many views a bundle asks for, it is one request
    ],
)
def test_only_doubt_is_looked_at_again_in_one_more_request(
    look: tuple[float, ...], policy: SecondLook, requests: list[int]
) -> None:
    """A phone waits for each round trip."""
    server = Scripted([look, SURE, SURE])
    answer = classifier(server, second_look=policy).classify(PHOTO)
    assert server.requests == requests
    steps = ["decode", "model", "gate", "look-again"][: 2 + len(requests)]
    assert [timing.step for timing in answer.timings] == steps


def test_the_answer_is_that_of_the_mean_of_all_looks() -> None:
    """It was calibrated that way."""
    answer = classifier(Scripted([DOUBT, SURE])).classify(PHOTO)
    assert answer.parrot_probability == pytest.approx(1 / (1 + np.exp(-2)))
    assert answer.is_parrot


def test_the_served_model_may_name_fewer_species_than_the_heads() -> None:
    """Phones of the first version know the first species only, and get as many numbers."""
    known = bundle()
    fewer = replace(known.manifest, models=(replace(MODEL, classes=1),))
    server = Scripted([DOUBT, SURE], logits=[(0.5,), (0.7,)])
    answer = Classifier(replace(known, manifest=fewer), server, DECODER).classify(PHOTO)
    assert answer.probabilities == (1.0,)
    assert [score.species.index for score in answer.species] == [0, 1]


def test_a_photo_that_takes_too_long_at_full_size_gets_the_first_looks_answer() -> None:
    """It was a good photo; with others beside it, the answer would depend on those."""
    with OutOfTime(max_pixels=10_000) as decoder:
        answer = classifier(Scripted([DOUBT]), decoder=decoder).classify(PHOTO)
        assert answer.parrot_probability == pytest.approx(0.5)
        with pytest.raises(TooExpensive):
            classifier(Scripted([SURE, DOUBT]), decoder=decoder).classify_each([PHOTO, PHOTO])


@pytest.mark.parametrize(
    ("look", "chosen", "rank", "name"),
    [
        (SURE, ["ara-macao"], "species", "ara-macao"),
        (TWO, ["ara-macao", "ara-ararauna"], "group", "macaws"),
        # The second one's share is of the known ones: it has 0.14 beside another parrot's 0.41.
        ((4.0, 2.0, 0.8, 1.9, 6.0), ["ara-macao", "ara-ararauna"], "group", "macaws"),
        (STRANGER, [], "group", "macaws"),
    ],
)
def test_set_taxon_and_ranking_agree(
    look: tuple[float, ...], chosen: list[str], rank: str, name: str
) -> None:
    """A person sees all three beside each other."""
    answer = classifier(Scripted([look, look])).classify(PHOTO)
    assert answer.species_set is not None
    assert [row.id for row in answer.species_set.species] == chosen
    assert answer.taxon is not None
    assert (answer.taxon.taxon.rank.value, answer.taxon.taxon.id) == (rank, name)
    ranked = {score.species.id: score.probability for score in answer.species}
    outside = [value for key, value in ranked.items() if key not in chosen]
    if chosen and outside:
        assert min(ranked[key] for key in chosen) >= max(outside)
    if chosen == [answer.taxon.taxon.id]:
        assert answer.taxon.probability == ranked[name]
    if not chosen:
        assert max(ranked.values()) <= 0.5


@pytest.mark.parametrize(
    ("look", "named"), [(SURE, ["ara-rubrogenys"]), (TWO, []), (STRANGER, []), (NO_PARROT, [])]
)
def test_the_one_name_comes_with_what_the_model_takes_for_it(
    look: tuple[float, ...], named: list[str]
) -> None:
    """The model cannot exclude what it does not know: a Lear's macaw was surely a hyacinth."""
    alike = LookAlike("ara-macao", "ara-rubrogenys", "", "Red-fronted macaw", "")
    other = replace(alike, of="ara-ararauna", id="ara-glaucogularis")
    given = replace(bundle(second_look=None), look_alikes=(alike, other))
    answer = Classifier(given, Scripted([look]), DECODER).classify(PHOTO)
    assert [row.id for row in answer.look_alikes] == named


@pytest.mark.parametrize(("alone", "name"), [(None, "ara-macao"), (0.3, "macaws")])
def test_one_species_is_not_named_where_it_is_likely_another_parrot(
    alone: float | None, name: str
) -> None:
    """The set keeps it, as the one that it would be if it is a known one."""
    server = Scripted([(4.0, 3.0, 0.0, 2.7, 6.0)])
    wary = classifier(server, second_look=None, naming=replace(NAMES, alone=alone))
    answer = wary.classify(PHOTO)
    assert answer.species_set is not None
    assert [row.id for row in answer.species_set.species] == ["ara-macao"]
    assert answer.taxon is not None
    assert answer.taxon.taxon.id == name


@pytest.mark.parametrize(
    ("parrot", "verdict"), [(0.61, (True, False)), (0.41, (False, True)), (0.39, (False, False))]
)
def test_what_may_be_a_parrot_has_names_and_no_reason(
    parrot: float, verdict: tuple[bool, bool]
) -> None:
    """A person sees what it would be, and that it is not certain; what is none has no names."""
    server = Scripted([(float(np.log(parrot / (1 - parrot))), *SURE[1:])])
    answer = classifier(server, second_look=None, maybe=0.4).classify(PHOTO)
    assert (answer.is_parrot, answer.maybe, answer.reason) == (*verdict, None)
    names = (answer.species, answer.species_set, answer.taxon)
    assert list(map(bool, names)) == [any(verdict)] * 3


def test_a_focus_that_is_not_a_box_is_a_bad_model_response() -> None:
    """Retrying would not help; the bundle and the model do not belong together."""
    with pytest.raises(BadModelResponse, match="focus"):
        classifier(Scripted([DOUBT], focus=(0.5,))).classify(PHOTO)
    with pytest.raises(BadModelResponse, match="another order"):
        classifier(Scripted([SURE], focus=(0.9, 0.0, 0.1, 1.0))).classify(PHOTO)


def test_a_focus_beyond_the_photo_ends_at_its_edge() -> None:
    """Phones cut the photo there; a person who zooms in begins there."""
    far = classifier(Scripted([SURE], focus=(-3.0, 0.5, 1e30, 1.001)))
    assert far.classify(PHOTO).focus == (0.0, 0.5, 1.0, 1.0)


@pytest.mark.parametrize(
    ("nothing", "small", "reason"),
    [(9.0, 0.0, Reason.NO_BIRD), (-9.0, 0.0, Reason.OTHER_BIRD), (0.0, 41.0, Reason.TOO_SMALL)],
)
def test_what_is_not_a_parrot_says_why(nothing: float, small: float, reason: Reason) -> None:
    """The gate's other two classes tell a bird from nothing; the photo's size is known."""
    given = bundle(reasons=ReasonPolicy(0.9, sure=0.9, too_small=small))
    weights = np.zeros((5, 3))
    weights[0, 0], weights[1, 2] = 1.0, 1.0
    gate = replace(given.gate, scorer=ThreeWay(weights, np.zeros(3)))
    server = Scripted([(-9.0, nothing, 0.0, 0.0, 0.0)])
    answer = Classifier(replace(given, gate=gate), server, DECODER).classify(PHOTO)
    assert (answer.is_parrot, answer.reason) == (False, reason)


def test_where_a_photo_lies_is_told_by_its_first_look_alone() -> None:
    """Vectors are compared over years: they must not depend on whether there was doubt."""
    halves = np.random.default_rng(3).normal(size=(len(SURE), DIMENSIONS)).astype(np.float16)
    embedding = Embedding.of(halves[:, 0], halves, halves[:2])
    lying = replace(bundle(), embedding=embedding)
    doubtful = Classifier(lying, Scripted([DOUBT, SURE]), DECODER).classify(PHOTO)
    assert "look-again" in [timing.step for timing in doubtful.timings]
    assert doubtful.embedded == embedding.embedded(np.array(DOUBT, np.float32))
    assert classifier(Scripted([SURE])).classify(PHOTO).embedded is None, "an older bundle"
