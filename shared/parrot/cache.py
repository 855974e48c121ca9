"""Answers for photos that this instance has classified before."""

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

# How long an answer may outlive its model version if no request reaches the new one meanwhile.
_SECONDS = 600.0


class Classifies(Protocol):
    """Answers for photos."""

    @property
    def bundle(self) -> Bundle:
        """The bundle behind the answers."""

    def classify(self, photo: Photo, *, top: int | None = None) -> Classification:
        """Answer for one photo; `top` limits the ranking."""


class CachedClassifier:
    """Keeps whole answers by photo and bundle, but no failures."""

    def __init__(self, classifier: Classifies, *, size: int, seconds: float = _SECONDS) -> None:
        """At most `size` answers, 1 or more, none older than `seconds`."""
        self._classifier = classifier
        self._answers: TTLCache[tuple[str, str], Classification] = TTLCache(size, seconds)
        self._models: dict[str, str] = {}
        self._lock = threading.Lock()

    def classify(self, photo: Photo, *, top: int | None = None) -> Classification:
        """The classifier's answer. Raises what the classifier raises."""
        started = time.perf_counter()
        key = (photo.sha256, self._classifier.bundle.sha256)
        with self._lock:
            kept = self._answers.get(key)
        if kept is not None:
            spent = (time.perf_counter() - started) * 1000
            answer = replace(kept, timings=(Timing("cache", spent, "hit"),))
        else:
            answer = self._classifier.classify(photo)
            self._keep(key, answer)
        return replace(answer, species=answer.species[:top])

    def _keep(self, key: tuple[str, str], answer: Classification) -> None:
        """Keep an answer, and drop all older ones if it comes from another model version."""
        models = dict(answer.models)
        with self._lock:
            if any(self._models.get(role, version) != version for role, version in models.items()):
                self._answers.clear()
            self._models.update(models)
            self._answers[key] = answer
