"""Answers stay the same, byte for byte: apps in the field parse them, and caches hash them."""

from dataclasses import replace
from pathlib import Path

from flask import Response

from parrot.consent import Consent
from parrot.errors import BadBundle, InvalidRequest, ModelTimeout, TooManyRequests
from parrot.http import answers, problems
from parrot.http.parameters import Links
from parrot.observation import Label, Page, Status
from parrot.records import Classification, LookAlike, Reason, SpeciesScore, SpeciesSet
from parrot.tokens import Downloads
from tests.support.observations import KEA as KEA_LABEL
from tests.support.observations import NOW, derived, observation, verdict
from tests.support.processing import GALAH, KEA

RECORDED = Path(__file__).with_name("recorded_answers.txt")
LINKS = Links("https://parrots.example", "/parrot-classifier/observations", Downloads(()))
PARROT = Classification(
    is_parrot=True,
    parrot_probability=0.99123456789,
    species=(SpeciesScore(KEA, 0.75), SpeciesScore(GALAH, 1e-7)),
    probabilities=(0.1, 1e-07, 0.30000000000000004),
    species_set=SpeciesSet(0.95, (KEA,)),
    bundle="2026-11-23",
    models=(("extractor", "ParrotExtractor/1"), ("classifier", "ParrotClassifier/2")),
    sha256="ab" * 32,
    width=3024,
    height=4032,
)
NOT_A_PARROT = replace(
    PARROT,
    is_parrot=False,
    parrot_probability=0.25,
    species=(),
    probabilities=(),
    species_set=None,
    models=(("classifier", "ParrotClassifier/1"),),
)
MAYBE = replace(PARROT, is_parrot=False, maybe=True, parrot_probability=0.5)
PENDING = replace(observation(), labels=(), sha256="", width=0, height=0)
LABELS = (Label("amazona", 1, NOW), KEA_LABEL)
VERDICT = replace(
    verdict(KEA.id, bundle="2026-11-23", model="ParrotClassifier/1"),
    parrot_probability=0.9123456789,
    species_probability=0.5,
    likely=None,
)
NOTHING = replace(VERDICT, is_parrot=False, species=None, species_probability=None)
DONE = replace(PENDING, status=Status.READY, verdict=VERDICT)
READY = replace(
    DONE,
    labels=LABELS,
    sha256="cd" * 32,
    width=640,
    height=480,
    derived=derived("0" * 16),
    duplicate_of="id-0",
)
REJECTED = replace(
    PENDING,
    labels=LABELS[:1],
    status=Status.REJECTED,
    reason="this JPEG photo is damaged — sorry",
    verdict=NOTHING,
)


def classified(answer: Classification, *, first_version: bool = False) -> Response:
    return answers.classification(answer, None, top=5, first_version=first_version)


SAMPLES = {
    "a parrot": classified(PARROT),
    "a parrot, but no known species": classified(replace(PARROT, species_set=SpeciesSet(0.95, ()))),
    "a parrot with a look-alike": classified(
        replace(
            PARROT,
            look_alikes=(LookAlike(KEA.id, "nestor-meridionalis", "", "Kaka", "카카앵무"),),
        )
    ),
    "maybe a parrot": classified(MAYBE),
    "maybe a parrot for the first version": classified(MAYBE, first_version=True),
    "not a parrot": classified(NOT_A_PARROT),
    "not a parrot, with a reason": classified(replace(NOT_A_PARROT, reason=Reason.TOO_DARK)),
    "a parrot for the first version": classified(PARROT, first_version=True),
    "not a parrot for the first version": classified(
        replace(NOT_A_PARROT, reason=Reason.TOO_DARK), first_version=True
    ),
    "readiness": answers.readiness("2026-11-23", ("ParrotClassifier/1",)),
    "a pending observation": answers.observation(PENDING, LINKS),
    "a ready observation": answers.observation(READY, LINKS),
    "an observation of an unknown kind": answers.observation(
        replace(READY, verdict=replace(VERDICT, likely=()), consent=Consent(given=False, at=NOW)),
        LINKS,
    ),
    "an observation that shows no parrot": answers.observation(
        replace(DONE, verdict=replace(NOTHING, reason=Reason.OTHER_BIRD)), LINKS
    ),
    "an observation that may show a parrot": answers.observation(
        replace(DONE, verdict=replace(VERDICT, is_parrot=False, maybe=True)), LINKS
    ),
    "a rejected observation": answers.observation(REJECTED, LINKS),
    "an empty page": answers.observations(Page((), None), None, LINKS),
    "a page": answers.observations(Page((PENDING,), None), "AQID", LINKS),
    "a problem": problems.response_for(InvalidRequest("index '앵무' is not one of 0..15")),
    "a timeout": problems.response_for(ModelTimeout("no answer within 20 s")),
    "an exhausted quota": problems.response_for(
        TooManyRequests(quota="saves", limit=500, seconds=86400, retry_after=60)
    ),
}


def test_each_answer_is_the_recorded_one_byte_for_byte() -> None:
    """Apps in the field parse them, and their caches compare them."""
    lines = RECORDED.read_bytes().splitlines()  # a name, its body, and so on
    recorded = {name.decode(): body for name, body in zip(lines[::2], lines[1::2], strict=True)}
    assert {name: sample.get_data() for name, sample in SAMPLES.items()} == recorded


def test_the_details_of_a_deployment_error_stay_in_the_log() -> None:
    """Operators read them there; bucket names and digests would help only an attacker."""
    assert b"gs://" not in problems.response_for(BadBundle("gs://b/x is damaged")).get_data()
