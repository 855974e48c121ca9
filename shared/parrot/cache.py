"""Answers for photos that this instance has classified before."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from cachetools import TTLCache

from parrot.errors import InvalidImage
from parrot.model.joint import joined, limited
from parrot.records import Timing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from parrot.classify import Classifier
    from parrot.records import Classification, Photo, Together

# How long an answer may outlive its model version if no request reaches the new one meanwhile.
_SECONDS = 600.0


class CachedClassifier:
    """Keeps whole answers by photo and bundle, but no failures."""

    def __init__(self, classifier: Classifier, *, size: int, seconds: float = _SECONDS) -> None:
        """At most `size` answers, 1 or more, none older than `seconds`."""
        self._classifier = classifier
        self._answers: TTLCache[tuple[str, str], Classification] = TTLCache(size, seconds)
        self._models: dict[str, str] = {}
        self._lock = threading.Lock()

    def classify(self, photo: Photo, *, top: int | None = None) -> Classification:
        """The classifier's answer. Raises what the classifier raises."""
        started = time.perf_counter()
        kept = self._kept(photo)
        if kept is not None:
            answer = replace(kept, timings=(_hit(started, "hit"),))
        else:
            answer = self._classifier.classify(photo)
            self._keep(photo, answer)
        return limited(answer, top)

    def together(self, photos: Sequence[Photo], *, top: int | None = None) -> Together:
        """Answers for several photos of one bird, and the joint one. Raises as `classify`."""
        started = time.perf_counter()
        cached = [self._kept(photo) for photo in photos]
        hits = len(photos) - cached.count(None)
        timings: tuple[Timing, ...] = (_hit(started, f"{hits}-of-{len(photos)}"),) if hits else ()
        fresh = self._classify_each(photos, [n for n, kept in enumerate(cached) if kept is None])
        if not _of_one_model([*fresh.values(), *filter(None, cached)]):
            fresh = self._classify_each(photos, range(len(photos)))  # the kept ones are stale
        answers = [fresh.get(n, kept) for n, kept in enumerate(cached)]
        timings += next((answer.timings for answer in fresh.values()), ())
        known = [answer for answer in answers if answer is not None]
        return joined(self._classifier.bundle, known, top=top, timings=timings)

    def _classify_each(
        self, photos: Sequence[Photo], chosen: Sequence[int]
    ) -> dict[int, Classification]:
        """The answers for some of the photos, by their index; keeps them."""
        if not chosen:
            return {}
        try:
            answers = self._classifier.classify_each([photos[n] for n in chosen])
        except InvalidImage as error:
            # The classifier does not number a single photo; here it is one of several. An error
            # about all of them has no number.
            if error.photo is not None or len(chosen) == 1:
                error.photo = chosen[(error.photo or 1) - 1] + 1
            raise
        for n, answer in zip(chosen, answers, strict=True):
            self._keep(photos[n], answer)
        return dict(zip(chosen, answers, strict=True))

    def _kept(self, photo: Photo) -> Classification | None:
        with self._lock:
            return self._answers.get(self._key(photo))

    def _key(self, photo: Photo) -> tuple[str, str]:
        return photo.sha256, self._classifier.bundle.sha256

    def _keep(self, photo: Photo, answer: Classification) -> None:
        """Keep an answer, and drop all older ones if it comes from another model version."""
        models = dict(answer.models)
        with self._lock:
            if any(self._models.get(role, version) != version for role, version in models.items()):
                self._answers.clear()
            self._models.update(models)
            self._answers[self._key(photo)] = answer


def _hit(started: float, description: str) -> Timing:
    return Timing("cache", (time.perf_counter() - started) * 1000, description)


def _of_one_model(answers: Sequence[Classification]) -> bool:
    """Whether no model answered in two versions."""
    pairs = {pair for answer in answers for pair in answer.models}
    return len(pairs) == len(dict(pairs))
