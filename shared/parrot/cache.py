"""Answers for photos that this instance has seen before."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from cachetools import TTLCache

from parrot.records import Timing

if TYPE_CHECKING:
    from parrot.model.bundle import Bundle
    from parrot.records import Classification, Photo

# How long an answer may outlive a model version that was replaced while nobody asked anew.
_SECONDS = 600.0


class Classifies(Protocol):
    """Whoever answers for a photo."""

    @property
    def bundle(self) -> Bundle:
        """What the answers are made with."""

    def classify(self, photo: Photo, *, top: int | None = None) -> Classification:
        """Answer for one photo; `top` limits the ranking."""


class CachedClassifier:
    """Keeps whole answers by photo and bundle; what failed is tried again each time."""

    def __init__(self, classifier: Classifies, *, size: int, seconds: float = _SECONDS) -> None:
        """At most `size` answers, 1 or more, none older than `seconds`."""
        self._classifier = classifier
        self._answers: TTLCache[tuple[str, str], Classification] = TTLCache(size, seconds)
        self._models: dict[str, str] = {}
        self._lock = threading.Lock()

    def classify(self, photo: Photo, *, top: int | None = None) -> Classification:
        """As the classifier would answer. Raises what it raises."""
        started = time.perf_counter()
        key = (photo.sha256, self._classifier.bundle.sha256)
        with self._lock:
            found = self._answers.get(key)
        if found is not None:
            spent = (time.perf_counter() - started) * 1000
            answer = replace(found, timings=(Timing("cache", spent, "hit"),))
        else:
            answer = self._classifier.classify(photo)
            self._keep(key, answer)
        return replace(answer, species=answer.species[:top])

    def _keep(self, key: tuple[str, str], answer: Classification) -> None:
        """A model that answers with another version than before makes the older answers stale."""
        models = dict(answer.models)
        with self._lock:
            if any(self._models.get(role, version) != version for role, version in models.items()):
                self._answers.clear()
            self._models.update(models)
            self._answers[key] = answer
