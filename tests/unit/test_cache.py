"""Answers are remembered by photo; failures are not."""

import math
from dataclasses import replace
from typing import Any

import pytest

from parrot.cache import CachedClassifier
from parrot.errors import BadModelResponse, InvalidImage
from parrot.photo import images
from parrot.records import Classification
from tests.support.photos import encoded, noise
from tests.support.scripted_model import NO_PARROT, SURE, Scripted, classifier

PHOTOS = [images.read(encoded(noise(16, 16, seed=seed))) for seed in range(3)]


def caching(server: Scripted, **options: Any) -> CachedClassifier:
    return CachedClassifier(classifier(server), **options)


def asked(cached: CachedClassifier, number: int) -> Classification:
    return cached.classify_each([PHOTOS[number]])[0]


def test_no_more_than_so_many_answers_are_kept() -> None:
    """An instance lives for days."""
    server = Scripted([SURE] * 6)
    cached = caching(server, size=2)
    for number in (0, 1, 2, 2, 1, 0):
        asked(cached, number)
    assert len(server.requests) == 4


def test_a_failure_is_tried_again() -> None:
    """A second without the model must not become minutes."""
    cached = caching(Scripted([(math.nan,) * 5, SURE]), size=2)
    with pytest.raises(BadModelResponse):
        asked(cached, 0)
    assert asked(cached, 0).is_parrot


def test_an_error_about_a_single_photo_has_no_number() -> None:
    """A phone that sent one photo would ask which of them to take again."""
    cut = replace(PHOTOS[0], data=PHOTOS[0].data[:-80])
    with pytest.raises(InvalidImage) as caught:
        caching(Scripted([]), size=2).classify_each([cut])
    assert caught.value.photo is None


def test_a_new_model_version_makes_older_answers_stale() -> None:
    """The model server may be updated without the functions."""
    server = Scripted([SURE] * 3)
    cached = caching(server, size=3)
    asked(cached, 0)
    server.version_name = "M/2"
    asked(cached, 1)
    assert asked(cached, 0).models == (("classifier", "M/2"),)


def test_an_answer_grows_old() -> None:
    """Without new requests nothing reveals a new model."""
    cached = caching(Scripted([SURE, NO_PARROT]), size=3, seconds=0)
    assert [asked(cached, 0).is_parrot for _ in range(2)] == [True, False]
