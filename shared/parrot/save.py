"""The story of one save."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from parrot import images
from parrot.errors import Conflict
from parrot.records import Label, Observation, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from parrot.observations import ObservationStore
    from parrot.records import Photo, Species, User

# Any fixed UUID will do; changing it would make every retry a second observation.
_NAMESPACE = uuid.UUID("5b1ce5c4-2a0e-5f0c-9d3e-0b8f4f1f6c55")


class Photos(Protocol):
    """Where photos live: a Cloud Storage bucket."""

    def put(self, object_name: str, photo: Photo) -> bool:
        """Upload unless the object is there; whether this call wrote it.

        Raises StoreUnavailable.
        """


@dataclass(frozen=True, slots=True)
class Saved:
    """The observation, and whether this save made it."""

    observation: Observation
    created: bool


class Saver:
    """Photo and chosen species in, observation out: once, however often it is sent."""

    def __init__(
        self,
        observations: ObservationStore,
        photos: Photos,
        *,
        max_pixels: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Nothing is opened here."""
        self._observations = observations
        self._photos = photos
        self._max_pixels = max_pixels
        self._now = now

    def save(self, photo: Photo, species: Species, user: User, *, key: str | None = None) -> Saved:
        """Keep the photo. `key` is the caller's Idempotency-Key.

        The observation comes first: a photo without one would be an orphan that nobody sees, while
        a `pending` one without its photo is completed by the phone's next try.
        Raises InvalidImage, PhotoTooLarge, Conflict, StoreUnavailable.
        """
        width, height = images.measure(photo, max_pixels=self._max_pixels)
        now = self._now()
        name = observation_id(user, photo.sha256, species.id, key)
        wanted = Observation(
            id=name,
            uid=user.uid,
            object_name=f"photos/{user.uid}/{name}",
            labels=(Label(species.id, species.index, now),),
            sha256=photo.sha256,
            media_type=photo.media_type,
            width=width,
            height=height,
            status=Status.PENDING,
            created=now,
            updated=now,
        )
        observation, created = self._observations.create(wanted)
        if not created:
            _same_save(observation, wanted)
        if observation.status is Status.PENDING:
            self._photos.put(observation.object_name, photo)
        return Saved(observation, created)


def observation_id(user: User, sha256: str, species_id: str, key: str | None) -> str:
    """UUIDv5 of the user and the key, or the photo where there is no key.

    People who never sign in share one uid, so there the species counts too: two of them may name
    the same photo differently.
    """
    if key is not None:
        what = f"key:{key}"
    elif user.anonymous:
        what = f"photo:{sha256}:{species_id}"
    else:
        what = f"photo:{sha256}"
    return str(uuid.uuid5(_NAMESPACE, f"{user.uid}\n{what}"))


def _same_save(stored: Observation, wanted: Observation) -> None:
    """A retry names the species that the first try named, or the one that counts by now."""
    if stored.sha256 != wanted.sha256:
        raise Conflict(f"this Idempotency-Key already saved another photo as {stored.id}")
    named = {label.species for label in (*stored.labels[:1], *stored.labels[-1:])}
    if wanted.label is not None and wanted.label.species not in named:
        raise Conflict(
            f"this photo is saved as {stored.id} with the species"
            f" {stored.label.species if stored.label else None}; change that observation instead"
        )
