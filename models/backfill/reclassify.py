"""What happens to one stored photo: read, classified, its new verdict written."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from parrot.classify import Classifier
from parrot.errors import InvalidImage, PhotoTooLarge, UnsupportedMedia
from parrot.observation import Observation
from parrot.photo import images
from parrot.progress import verdict_of
from parrot.records import Classification
from parrot.review import standing
from parrot.store import ObservationStore, PhotoStore, update


class Reclassified(StrEnum):
    """What became of a photo."""

    RECLASSIFIED = "reclassified"
    NOT_WANTED = "not_wanted"  # judged by this bundle already, or not processed yet
    GONE = "gone"  # deleted or overwritten meanwhile
    UNREADABLE = "unreadable"  # today's decoder refuses it; its old verdict stays


def processed(observation: Observation) -> bool:
    """Whether a photo of it was; what is not processed yet will get a verdict of today's bundle."""
    return observation.processed and observation.generation is not None


def wanted(observation: Observation, bundle: str) -> bool:
    """Whether it has a verdict of another bundle."""
    verdict = observation.verdict
    return processed(observation) and (verdict is None or verdict.bundle != bundle)


def classified(
    observation: Observation, photos: PhotoStore, classifier: Classifier, *, max_bytes: int
) -> Classification | Reclassified:
    """The answer about its stored photo, or why there is none.

    Raises BackendError, DeploymentError.
    """
    name, generation = observation.object_name, int(observation.generation or 0)
    try:
        data = photos.read_generation(name, generation, most=max_bytes)
        if data is None:
            return Reclassified.GONE
        return classifier.classify(images.read(data, max_bytes=max_bytes))
    except (InvalidImage, UnsupportedMedia, PhotoTooLarge):
        return Reclassified.UNREADABLE


@dataclass(frozen=True, slots=True)
class Reclassifier:
    """Judges stored photos with one bundle. Doing it twice changes nothing the second time."""

    observations: ObservationStore
    photos: PhotoStore
    classifier: Classifier
    bundle: str  # the version that verdicts will name
    max_bytes: int
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def reclassify(self, uid: str, observation_id: str) -> Reclassified:
        """Judge one photo, unless that was done before. Safe to call again at any point.

        People relabel, overwrite and delete meanwhile: the verdict is only written if it is still
        about the stored photo. Raises BackendError, DeploymentError.
        """
        judged = self.observations.get(uid, observation_id)
        if judged is None:
            return Reclassified.GONE
        if not wanted(judged, self.bundle):
            return Reclassified.NOT_WANTED
        answer = classified(judged, self.photos, self.classifier, max_bytes=self.max_bytes)
        if isinstance(answer, Reclassified):
            return answer
        verdict = verdict_of(answer)

        def change(current: Observation) -> Observation:
            if not wanted(current, self.bundle) or current.generation != judged.generation:
                return current
            changed = replace(
                current, verdict=verdict, embedded=answer.embedded, updated=self.now()
            )
            return replace(changed, status=standing(changed))

        stored = update(self.observations, uid, observation_id, change)
        if stored is None:
            return Reclassified.GONE
        return Reclassified.RECLASSIFIED if stored.verdict == verdict else Reclassified.NOT_WANTED
