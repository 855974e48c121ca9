"""Answers for photos that this instance has classified before."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from cachetools import TTLCache

from parrot.classify import Stopwatch
from parrot.errors import InvalidImage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from parrot.classify import Classifier
    from parrot.records import Classification, Photo

# How long an answer may outlive its model version if no request reaches the new one meanwhile.
_SECONDS = 600.0


class CachedClassifier:
    """Keeps whole answers by photo, but no failures; its bundle stays the same."""

    def __init__(self, classifier: Classifier, *, size: int, seconds: float = _SECONDS) -> None:
        """At most `size` answers, 1 or more, none older than `seconds`."""
        self._classifier, self.bundle = classifier, classifier.bundle
        self._answers: TTLCache[str, Classification] = TTLCache(size, seconds)
        self._models: dict[str, str] = {}
        self._lock = threading.Lock()

    def classify_each(self, photos: Sequence[Photo]) -> tuple[Classification, ...]:
        """The classifier's answers, each with the timings of all. Raises as the classifier."""
        clock, every = Stopwatch(), range(len(photos))
        with self._lock:
            kept = {n: self._answers.get(photos[n].sha256) for n in every}
        answers = {n: answer for n, answer in kept.items() if answer is not None}
        if answers:
            clock.lap("cache", "hit" if len(photos) == 1 else f"{len(answers)}-of-{len(photos)}")
        fresh = self._ask(photos, [n for n in every if n not in answers])
        answers |= fresh
        pairs = {pair for answer in answers.values() for pair in answer.models}
        if len(pairs) > len(dict(pairs)):  # one model in two versions: the kept ones are stale
            answers = fresh = self._ask(photos, every)
        timings = clock.laps + next((answer.timings for answer in fresh.values()), ())
        return tuple(replace(answers[n], timings=timings) for n in every)

    def _ask(self, photos: Sequence[Photo], chosen: Sequence[int]) -> dict[int, Classification]:
        """The answers for some of the photos, by their index; keeps them."""
        if not chosen:
            return {}
        try:
            answers = self._classifier.classify_each([photos[n] for n in chosen])
        except InvalidImage as error:
            # The classifier does not number a single photo, which may be one of several here. An
            # error about all of them has no number.
            if len(photos) > 1 and (error.photo is not None or len(chosen) == 1):
                error.photo = chosen[(error.photo or 1) - 1] + 1
            raise
        for n, answer in zip(chosen, answers, strict=True):
            self._keep(photos[n], answer)
        return dict(zip(chosen, answers, strict=True))

    def _keep(self, photo: Photo, answer: Classification) -> None:
        """Keep an answer, and drop all older ones if it comes from another model version."""
        models = dict(answer.models)
        with self._lock:
            if any(self._models.get(role, version) != version for role, version in models.items()):
                self._answers.clear()
            self._models.update(models)
            self._answers[photo.sha256] = answer
