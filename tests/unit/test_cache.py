"""Answers are remembered by photo; failures are not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from parrot.cache import CachedClassifier
from parrot.classify import Classifier
from parrot.errors import ModelUnavailable
from parrot.photo import images
from parrot.records import Classification, Photo
from tests.support.photos import encoded, noise
from tests.support.processing import SameAnswer

PHOTOS = [images.read(encoded(noise(16, 16, seed=seed))) for seed in range(3)]


@dataclass
class Counting(SameAnswer):
    """Counts its calls."""

    asked: int = 0
    version: str = "1"
    bundle: Any = None

    def classify_each(self, photos: Sequence[Photo]) -> list[Classification]:
        return [self.classify(photo) for photo in photos]

    def classify(self, photo: Photo) -> Classification:
        self.asked += 1
        model = ("classifier", f"M/{self.version}")
        return replace(super().classify(photo), models=(model,))


def caching(inner: Counting, **options: Any) -> CachedClassifier:
    return CachedClassifier(cast("Classifier", inner), **options)


def asked(cached: CachedClassifier, number: int) -> Classification:
    return cached.classify_each([PHOTOS[number]])[0]


def test_the_same_photo_is_classified_once() -> None:
    """Phones repeat what they got no answer to."""
    inner = Counting()
    cached = caching(inner, size=2)
    first, again = (asked(cached, 0) for _ in range(2))
    assert inner.asked == 1
    assert [timing.description for timing in again.timings] == ["hit"]
    assert replace(again, timings=()) == replace(first, timings=())


def test_no_more_than_so_many_answers_are_kept() -> None:
    """An instance lives for days."""
    inner = Counting()
    cached = caching(inner, size=2)
    for number in (0, 1, 2, 2, 1, 0):
        asked(cached, number)
    assert inner.asked == 4


def test_a_failure_is_tried_again() -> None:
    """A second without the model must not become minutes."""
    inner = Counting(error=ModelUnavailable("away"))
    cached = caching(inner, size=2)
    with pytest.raises(ModelUnavailable):
        asked(cached, 0)
    inner.error = None
    assert asked(cached, 0).is_parrot


def test_a_new_model_version_makes_older_answers_stale() -> None:
    """The model server may be updated without the functions."""
    inner = Counting()
    cached = caching(inner, size=3)
    asked(cached, 0)
    inner.version = "2"
    asked(cached, 1)
    assert asked(cached, 0).models == (("classifier", "M/2"),)


def test_an_answer_grows_old() -> None:
    """Without new requests nothing reveals a new model."""
    inner = Counting()
    cached = caching(inner, size=3, seconds=0)
    for _ in range(2):
        asked(cached, 0)
    assert inner.asked == 2
