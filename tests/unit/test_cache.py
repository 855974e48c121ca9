"""Answers are remembered by photo and bundle; failures are not."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from parrot.cache import CachedClassifier
from parrot.classify import Classifier
from parrot.errors import ModelUnavailable
from parrot.photo import images
from parrot.records import Classification, Photo, SpeciesScore
from tests.support.photos import encoded, noise
from tests.support.processing import GALAH, KEA, SameAnswer

PHOTOS = [images.read(encoded(noise(16, 16, seed=seed))) for seed in range(3)]


@dataclass
class Counting(SameAnswer):
    """Counts its calls."""

    asked: int = 0
    version: str = "1"
    bundle: Any = field(default_factory=lambda: SimpleNamespace(sha256="a"))

    def classify_each(self, photos: Sequence[Photo]) -> list[Classification]:
        return [self.classify(photo) for photo in photos]

    def classify(self, photo: Photo, *, top: int | None = None) -> Classification:
        self.asked += 1
        both = (SpeciesScore(KEA, 0.7), SpeciesScore(GALAH, 0.3))
        model = ("classifier", f"M/{self.version}")
        return replace(super().classify(photo), species=both[:top], models=(model,))


def caching(inner: Counting, **options: Any) -> CachedClassifier:
    return CachedClassifier(cast("Classifier", inner), **options)


def test_the_same_photo_is_classified_once() -> None:
    """However many species the caller wants."""
    inner = Counting()
    cached = caching(inner, size=2)
    first = cached.classify(PHOTOS[0], top=1)
    again = cached.classify(PHOTOS[0], top=5)
    assert inner.asked == 1
    assert [len(answer.species) for answer in (first, again)] == [1, 2]
    assert [timing.description for timing in again.timings] == ["hit"]
    assert replace(again, timings=(), species=()) == replace(first, timings=(), species=())


def test_another_bundle_is_asked_again() -> None:
    """A new threshold is a new answer."""
    inner = Counting()
    cached = caching(inner, size=2)
    cached.classify(PHOTOS[0])
    inner.bundle = SimpleNamespace(sha256="b")
    cached.classify(PHOTOS[0])
    assert inner.asked == 2


def test_no_more_than_so_many_answers_are_kept() -> None:
    """An instance lives for days."""
    inner = Counting()
    cached = caching(inner, size=2)
    for number in (0, 1, 2, 2, 1, 0):
        cached.classify(PHOTOS[number])
    assert inner.asked == 4


def test_a_failure_is_tried_again() -> None:
    """A second without the model must not become minutes."""
    inner = Counting(error=ModelUnavailable("away"))
    cached = caching(inner, size=2)
    with pytest.raises(ModelUnavailable):
        cached.classify(PHOTOS[0])
    inner.error = None
    assert cached.classify(PHOTOS[0]).is_parrot


def test_a_new_model_version_makes_older_answers_stale() -> None:
    """The model server may be updated without the functions."""
    inner = Counting()
    cached = caching(inner, size=3)
    cached.classify(PHOTOS[0])
    inner.version = "2"
    cached.classify(PHOTOS[1])
    assert cached.classify(PHOTOS[0]).models == (("classifier", "M/2"),)


def test_an_answer_grows_old() -> None:
    """Without new requests nothing reveals a new model."""
    inner = Counting()
    cached = caching(inner, size=3, seconds=0)
    for _ in range(2):
        cached.classify(PHOTOS[0])
    assert inner.asked == 2
