"""What happens to one stored photo: read, classified, its new verdict written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from parrot.errors import InvalidImage, PhotoTooLarge, UnsupportedMedia
from parrot.observation import Status, reviewed
from parrot.photo import images
from parrot.progress import verdict_of
from parrot.store import update

if TYPE_CHECKING:
    from collections.abc import Callable

    from parrot.observation import Observation
    from parrot.records import Classification, Photo
    from parrot.store import ObservationStore, PhotoStore

_JUDGED = frozenset({Status.READY, Status.NEEDS_REVIEW})


class Outcome(StrEnum):
    """What became of a photo."""

    RECLASSIFIED = "reclassified"
    NOT_WANTED = "not_wanted"  # judged by this bundle already, or not processed yet
    GONE = "gone"  # deleted or overwritten meanwhile
    UNREADABLE = "unreadable"  # today's decoder refuses it; its old verdict stays


class Classifies(Protocol):
    """Answers for a photo."""

    def classify(self, photo: Photo) -> Classification:
        """Raises RequestError, BackendError, DeploymentError."""


def wanted(observation: Observation, bundle: str) -> bool:
    """Whether it has a verdict of another bundle; what is not processed yet will get this one's."""
    return (
        observation.status in _JUDGED
        and observation.generation is not None
        and (observation.verdict is None or observation.verdict.bundle != bundle)
    )


class Reclassifier:
    """Judges stored photos with one bundle. Doing it twice changes nothing the second time."""

    def __init__(  # noqa: PLR0913 - what it works with, and its limits
        self,
        observations: ObservationStore,
        photos: PhotoStore,
        classifier: Classifies,
        *,
        bundle: str,
        max_bytes: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`bundle` is the version that verdicts will name. Nothing is opened here."""
        self._observations, self._photos, self._classifier = observations, photos, classifier
        self._bundle, self._max_bytes, self._now = bundle, max_bytes, now

    def reclassify(self, uid: str, observation_id: str) -> Outcome:
        """Judge one photo, unless that was done before. Safe to call again at any point.

        People relabel, overwrite and delete meanwhile: the verdict is only written if it is still
        about the stored photo.

        Raises BackendError, DeploymentError.
        """
        observation = self._observations.get(uid, observation_id)
        if observation is None:
            return Outcome.GONE
        if not wanted(observation, self._bundle):
            return Outcome.NOT_WANTED
        generation = int(observation.generation or 0)
        try:
            data = self._photos.read_generation(
                observation.object_name, generation, most=self._max_bytes
            )
            if data is None:
                return Outcome.GONE
            answer = self._classifier.classify(images.read(data, max_bytes=self._max_bytes))
        except (InvalidImage, UnsupportedMedia, PhotoTooLarge):
            return Outcome.UNREADABLE
        return self._write(observation, answer)

    def _write(self, judged: Observation, answer: Classification) -> Outcome:
        verdict = verdict_of(answer)

        def change(current: Observation) -> Observation:
            if not wanted(current, self._bundle) or current.generation != judged.generation:
                return current
            status = reviewed(current.label, verdict)
            return replace(current, verdict=verdict, status=status, updated=self._now())

        stored = update(self._observations, judged.uid, judged.id, change)
        if stored is None:
            return Outcome.GONE
        return Outcome.RECLASSIFIED if stored.verdict == verdict else Outcome.NOT_WANTED
