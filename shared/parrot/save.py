"""The story of one save."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from parrot import images
from parrot.errors import Conflict, StoreUnavailable
from parrot.observation import Label, Observation, Status, photo_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from parrot.quota import Meter
    from parrot.records import Allowance, Photo, Species, User
    from parrot.store import ObservationStore

# Any fixed UUID will do; changing it would make every retry a second observation.
_NAMESPACE = uuid.UUID("5b1ce5c4-2a0e-5f0c-9d3e-0b8f4f1f6c55")
_TRIES = 5


class Photos(Protocol):
    """Where photos live: a Cloud Storage bucket."""

    def put(self, object_name: str, photo: Photo) -> int | None:
        """Upload unless the object is there; the generation that this call wrote, or None.

        Raises StoreUnavailable.
        """

    def delete(self, object_name: str, *, generation: int | None = None) -> None:
        """Remove an object, or only this generation of it; no error where there is none.

        Raises StoreUnavailable.
        """


@dataclass(frozen=True, slots=True)
class Saved:
    """The observation, whether this save made it, and what is left of the user's quota."""

    observation: Observation
    created: bool
    allowance: Allowance | None = None


class Saver:
    """Photo and chosen species in, observation out: once, however often it is sent."""

    def __init__(
        self,
        observations: ObservationStore,
        photos: Photos,
        *,
        max_pixels: int,
        meter: Meter,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Nothing is opened here."""
        self._observations = observations
        self._photos = photos
        self._max_pixels = max_pixels
        self._meter = meter
        self._now = now

    def save(self, photo: Photo, species: Species, user: User, *, key: str | None = None) -> Saved:
        """Keep the photo. `key` is the caller's Idempotency-Key.

        The observation comes first: a photo without one would be an orphan that nobody sees, while
        a `pending` one without its photo is completed by the phone's next try. Only what makes a
        new observation counts against the quota.
        Raises InvalidImage, Conflict, TooManyRequests, StoreUnavailable.
        """
        width, height = images.measure(photo, max_pixels=self._max_pixels)
        now = self._now()
        name = observation_id(user, photo.sha256, species.id, key)
        wanted = Observation(
            id=name,
            uid=user.uid,
            object_name=photo_name(user.uid, name),
            labels=(Label(species.id, species.index, now),),
            sha256=photo.sha256,
            media_type=photo.media_type,
            width=width,
            height=height,
            status=Status.PENDING,
            created=now,
            updated=now,
        )
        allowance = None
        if self._observations.get(wanted.uid, wanted.id) is None:
            allowance = self._meter.take(user)
        for _ in range(_TRIES):
            observation, created = self._observations.create(wanted)
            if not created:
                _same_save(observation, wanted)
            if observation.status is not Status.PENDING or self._upload(observation, photo):
                return Saved(observation, created, allowance)
        raise StoreUnavailable(f"observation {wanted.id} is removed as often as it is saved")

    def _upload(self, observation: Observation, photo: Photo) -> bool:
        """Store the photo; False where somebody removed the observation meanwhile."""
        generation = self._photos.put(observation.object_name, photo)
        if generation is None:
            return True
        stored = self._observations.get(observation.uid, observation.id)
        if stored is not None and stored.status is not Status.DELETING:
            return True
        # The deletion may have looked for the photo before it came, or listed it and not come to
        # it yet: this upload is taken back, and a new one would be another generation.
        self._photos.delete(observation.object_name, generation=generation)
        if stored is not None:
            raise _being_deleted(stored)
        return False


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
    if stored.status is Status.DELETING:
        raise _being_deleted(stored)
    if stored.sha256 != wanted.sha256:
        raise Conflict(f"this Idempotency-Key already saved another photo as {stored.id}")
    named = {label.species for label in (*stored.labels[:1], *stored.labels[-1:])}
    if wanted.label is not None and wanted.label.species not in named:
        raise Conflict(
            f"this photo is saved as {stored.id} with the species"
            f" {stored.label.species if stored.label else None}; change that observation instead"
        )


def _being_deleted(stored: Observation) -> Conflict:
    return Conflict(f"{stored.id} is being deleted; delete it again to finish, then save")
