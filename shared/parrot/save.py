"""How one photo is saved."""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from parrot.consent import Training
from parrot.errors import (
    Conflict,
    IdempotencyKeyReused,
    RequestError,
    StoreUnavailable,
    TogetherTooLong,
    TooManyRequests,
)
from parrot.observation import Label, Observation, Status, photo_name
from parrot.store import Quota, Use, update

if TYPE_CHECKING:
    from collections.abc import Callable

    from parrot.photo.decoder import Decoder
    from parrot.quota import Allowance, Meter, User
    from parrot.records import Photo, Species, UntrainedLabel
    from parrot.sighting import Sighting
    from parrot.store import ObservationStore, PhotoStore

# Any fixed UUID would do; changing it would turn every retry into a second observation.
_NAMESPACE = uuid.UUID("5b1ce5c4-2a0e-5f0c-9d3e-0b8f4f1f6c55")
_TRIES = 5
# A phone that was offline may retry for days. After that only a reused key goes unnoticed: the same
# photo is still the same observation.
_KEYS_KEPT = timedelta(days=7)
# New keys that are remembered per user per day. A phone needs one for each new photo, and hardly
# any for a photo that is stored already: the photo itself says that it is the same save.
_KEYS, _KEYS_OF_RETRIES = Quota("keys", 1000, 86400), Quota("keys", 20, 86400)
# Processing begins within seconds. If nothing has happened for so long, its event may be lost.
_EVENT_LOST = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Saved:
    """The observation, whether this save created it, and what is left of the user's quota."""

    observation: Observation
    created: bool
    allowance: Allowance | None = None


class Saver:
    """Turns a photo and a species into one observation, however often it is sent."""

    def __init__(  # noqa: PLR0913 - what it works with, and its limits
        self,
        observations: ObservationStore,
        photos: PhotoStore,
        decoder: Decoder,
        *,
        meter: Meter,
        training: Training = Training.ASK,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._observations, self._photos = observations, photos
        self._decoder, self._meter, self._now = decoder, meter, now
        self._training = training

    def save(  # noqa: PLR0913 - what a person may say
        self,
        photo: Photo,
        species: Species | UntrainedLabel,
        user: User,
        *,
        text: str | None = None,
        training: bool | None = None,
        sighting: Sighting | None = None,
        key: str | None = None,
    ) -> Saved:
        """Keep the photo. `text` is the person's own words, `key` the caller's Idempotency-Key.

        `training` is what the person says about it; a retry does not change what they said since.
        The observation is created first: a photo without one would never be seen, while one without
        its photo is completed by the phone's next try, even if it was given up in the meantime.
        Only a new observation is decoded and counts against the quota; so does a photo that cannot
        be decoded.
        Raises InvalidImage, IdempotencyKeyReused, Conflict, TooManyRequests, Overloaded,
        DecoderUnavailable, StoreUnavailable.
        """
        now = self._now()
        name = observation_id(user, photo.sha256, species.id)
        use = self._meter.use(user)
        known, allowance = self._look(user, name)
        if known is None:
            width, height = self._measure(photo, user)
        else:
            width, height = known.width, known.height
        if key is not None and not user.anonymous:
            self._claim(user, key, name, new=known is None)
        wanted = Observation(
            id=name,
            uid=user.uid,
            object_name=photo_name(user.uid, name),
            labels=(Label(species.id, species.index, now, text),),
            sha256=photo.sha256,
            media_type=photo.media_type,
            width=width,
            height=height,
            status=Status.PENDING,
            created=now,
            updated=now,
            consent=self._training.consent(training, now, signed_up=not user.anonymous),
            sighting=sighting.kept if sighting and not user.anonymous else None,
        )
        for _ in range(_TRIES):
            observation, created = self._observations.create(wanted, use)
            if not created:
                _same_save(observation, wanted)
            if self._has_lost_its_photo(observation):
                self._reopen(observation)
                continue
            if observation.status is not Status.PENDING or self._upload(observation, photo):
                return Saved(observation, created, allowance if created else None)
        raise StoreUnavailable(f"observation {wanted.id} keeps being deleted; try again")

    def _look(self, user: User, name: str) -> tuple[Observation | None, Allowance | None]:
        """The observation, or else what is left for a new one. Raises TooManyRequests."""
        known = self._observations.get(user.uid, name)
        if known is not None:
            return known, None
        try:
            return None, self._meter.look(user)
        except TooManyRequests:
            # Its own retry, sent at once, may have been the last that the quota allows.
            known = self._observations.get(user.uid, name)
            if known is None:
                raise
            return known, None

    def _measure(self, photo: Photo, user: User) -> tuple[int, int]:
        """Decode it. One that cannot be costs as much as a save, or trying would be free."""
        try:
            return self._decoder.measure(photo)
        except (TooManyRequests, TogetherTooLong):  # decoding it was not tried
            raise
        except RequestError:
            with contextlib.suppress(TooManyRequests):
                self._meter.take(user)
            raise

    def _claim(self, user: User, key: str, name: str, *, new: bool) -> None:
        """Raises IdempotencyKeyReused, StoreUnavailable.

        For signed-in users only. People who never sign in share one uid, so one phone's key could
        refuse another phone's photo; their retries are recognised by photo and species alone.
        """
        digest = hashlib.sha256(key.encode()).hexdigest()
        now = self._now()
        use = Use(_KEYS if new else _KEYS_OF_RETRIES, now.timestamp())
        expires = now + _KEYS_KEPT
        owner = self._observations.claim(user.uid, digest, name, expires=expires, use=use)
        if owner != name:
            raise IdempotencyKeyReused(observation=owner)

    def _has_lost_its_photo(self, observation: Observation) -> bool:
        """Whether it was given up before its photo came, or its photo was deleted in the bucket."""
        if observation.status is Status.REJECTED:
            return observation.generation is None
        return observation.processed and self._photos.generation(observation.object_name) is None

    def _reopen(self, lost: Observation) -> None:
        """Wait for its photo once more, unless it was changed since."""

        def reopened(stored: Observation) -> Observation:
            if stored.version != lost.version:
                return stored
            now = self._now()
            return replace(stored, status=Status.PENDING, reason=None, generation=None, updated=now)

        update(self._observations, lost.uid, lost.id, reopened)

    def _upload(self, observation: Observation, photo: Photo) -> bool:
        """Store the photo; False if the observation was removed meanwhile."""
        generation = self._photos.put(observation.object_name, photo)
        if generation is None and self._now() - observation.updated > _EVENT_LOST:
            # It is stored, but was never processed: written again, for another event.
            live = self._photos.generation(observation.object_name)
            generation = live and self._photos.put(observation.object_name, photo, replacing=live)
        if generation is None:
            return True
        stored = self._observations.get(observation.uid, observation.id)
        if stored is not None and stored.status is not Status.DELETING:
            return True
        # The deletion may have looked for the photo before it arrived, or found it and not removed
        # it yet. So this upload is taken back; a new one would be another generation.
        self._photos.delete(observation.object_name, generation=generation)
        if stored is not None:
            raise _being_deleted(stored)
        return False


def observation_id(user: User, sha256: str, species_id: str) -> str:
    """UUIDv5 of the user and the photo: the same photo is the same observation.

    People who never sign in share one uid, so for them the species counts too: two of them may name
    the same photo differently.
    """
    photo = f"photo:{sha256}:{species_id}" if user.anonymous else f"photo:{sha256}"
    return str(uuid.uuid5(_NAMESPACE, f"{user.uid}\n{photo}"))


def _same_save(stored: Observation, wanted: Observation) -> None:
    """A retry names the species that the first try named, or the current one. Raises Conflict."""
    if stored.status is Status.DELETING:
        raise _being_deleted(stored)
    named = {label.species for label in (*stored.labels[:1], *stored.labels[-1:])}
    if wanted.label is not None and wanted.label.species not in named:
        raise Conflict(
            f"this photo is saved as {stored.id} with the species"
            f" {stored.label.species if stored.label else None}; change that observation instead",
            observation=stored.id,
        )


def _being_deleted(stored: Observation) -> Conflict:
    return Conflict(
        f"{stored.id} is being deleted; delete it again to finish, then save", observation=stored.id
    )
