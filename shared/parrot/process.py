"""How a stored photo is processed.

Events come at least once, late, and in any order; the function may die between any two steps. So
each step may be done twice, what an event says is checked against the bucket, and the observation's
`generation` is written last: until it is set, processing starts again from the beginning.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from parrot import duplicates, images, thumbnails
from parrot.errors import InvalidRequest, PhotoTooLarge, RequestError
from parrot.observation import (
    Derived,
    Label,
    Observation,
    Status,
    Verdict,
    derived_name,
    reviewed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from parrot.model.species import SpeciesTable
    from parrot.records import Classification, Photo, StoredPhoto
    from parrot.store import ObservationStore
    from parrot.thumbnails import Thumbnails, Turns


class Outcome(StrEnum):
    """What became of an event. Every one of them is acknowledged."""

    IGNORED = "ignored"  # not this deployment's bucket, or not the observation's photo
    DONE_BEFORE = "done_before"  # this generation, or a newer one
    GONE = "gone"  # the photo was deleted or overwritten since, or its observation deleted
    READY = "ready"
    NEEDS_REVIEW = "needs_review"
    REJECTED = "rejected"


class Photos(Protocol):
    """The bucket. Every method raises StoreUnavailable."""

    def read_generation(self, object_name: str, generation: int) -> bytes | None:
        """The object's bytes; None if this generation is no longer the live one."""

    def is_live(self, object_name: str, generation: int) -> bool:
        """Whether this generation is the live one."""

    def write_derived(self, object_name: str, data: bytes) -> None:
        """Store a WebP file, replacing the one that may exist."""

    def list_derived(self, uid: str, observation_id: str) -> Mapping[str, int]:
        """Generation by name of everything derived from one photo."""

    def delete(self, object_name: str, *, generation: int | None = None) -> None:
        """Remove an object, or only this generation of it; no error if there is none."""


class Classifies(Protocol):
    """Answers for photos."""

    def classify(self, photo: Photo) -> Classification:
        """Answer for one photo. Raises RequestError, BackendError, DeploymentError."""


class _Gone(Exception):
    """There is nothing left to finish."""


class Processor:
    """Photo in the bucket in, finished observation out: one, however many events come."""

    def __init__(  # noqa: PLR0913 - what it works with, and its limits
        self,
        observations: ObservationStore,
        photos: Photos,
        classifier: Classifies,
        species: SpeciesTable,
        decoder: Turns,
        *,
        bucket: str,
        max_bytes: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Nothing is opened here."""
        self._observations, self._photos = observations, photos
        self._classifier, self._species = classifier, species
        self._decoder = decoder
        self._bucket, self._max_bytes = bucket, max_bytes
        self._now = now

    def process(self, stored: StoredPhoto) -> Outcome:
        """Finish the photo's observation, or say why there is nothing to do.

        Raises BackendError and DeploymentError: a later delivery may succeed.
        """
        if stored.bucket != self._bucket:
            return Outcome.IGNORED
        observation = self._observations.get(stored.uid, stored.id)
        if observation is not None and observation.object_name != stored.name:
            return Outcome.IGNORED
        if observation is not None and _done(observation, stored):
            return Outcome.DONE_BEFORE
        try:
            return self._process(stored, adopt=observation is None)
        except _Gone:
            self._sweep(stored)
            duplicates.release(self._observations, stored.uid, stored.id, now=self._now)
            return Outcome.GONE

    def _process(self, stored: StoredPhoto, *, adopt: bool) -> Outcome:
        try:
            photo = self._read(stored)
            answer = self._classifier.classify(photo)
            made = thumbnails.make(photo, self._decoder)
        except RequestError as error:
            return self._reject(stored, error.detail, adopt=adopt)
        if adopt:
            self._adopt(stored)
        derived = self._write(stored, made)
        # The hash is stored before others are searched: of two photos that are processed at once,
        # at least the later searcher finds the other.
        published = self._change(stored, lambda now: _published(now, photo, answer, derived))
        duplicates.settle(self._observations, published, now=self._now)
        return self._finish(stored, verdict_of(answer))

    def _read(self, stored: StoredPhoto) -> Photo:
        """Raises _Gone, RequestError, StoreUnavailable."""
        if stored.size > self._max_bytes:
            raise PhotoTooLarge(size=stored.size, limit=self._max_bytes)
        data = self._photos.read_generation(stored.name, stored.generation)
        if data is None:
            raise _Gone
        return images.read(data, max_bytes=self._max_bytes)

    def _adopt(self, stored: StoredPhoto) -> None:
        """Create the observation of a photo that a phone uploaded by itself. Raises _Gone.

        `save` creates its observation before it uploads, so only such photos have none. Or it was
        deleted after this event read the photo: so the photo is looked up once more.
        """
        labels: tuple[Label, ...] = ()
        if stored.species is not None:
            with contextlib.suppress(InvalidRequest):  # the person can still choose another
                species = self._species.find(species=stored.species)
                labels = (Label(species.id, species.index, stored.created),)
        adopted = Observation(
            id=stored.id,
            uid=stored.uid,
            object_name=stored.name,
            labels=labels,
            sha256="",
            media_type=stored.content_type,
            width=0,
            height=0,
            status=Status.PENDING,
            created=stored.created,
            updated=self._now(),
        )
        self._observations.create(adopted)
        if not self._photos.is_live(stored.name, stored.generation):
            self._observations.remove(adopted)  # not one that was saved since: its version differs
            raise _Gone

    def _write(self, stored: StoredPhoto, made: Thumbnails) -> Derived:
        derived = Derived(
            image=derived_name(stored.uid, stored.id, "image"),
            thumbnail=derived_name(stored.uid, stored.id, "thumbnail"),
            width=made.width,
            height=made.height,
            blurhash=made.blurhash,
            phash=made.phash,
        )
        self._photos.write_derived(derived.image, made.image)
        self._photos.write_derived(derived.thumbnail, made.thumbnail)
        return derived

    def _finish(self, stored: StoredPhoto, verdict: Verdict) -> Outcome:
        finished = self._change(
            stored,
            lambda current: replace(
                current,
                status=reviewed(current.label, verdict),
                verdict=verdict,
                reason=None,
                generation=str(stored.generation),
            ),
        )
        return Outcome(finished.status.value)

    def _reject(self, stored: StoredPhoto, why: str, *, adopt: bool) -> Outcome:
        """Record why on the observation: another try would not help. Raises _Gone."""
        if adopt:
            self._adopt(stored)
        rejected = self._change(
            stored,
            lambda current: replace(
                current,
                status=Status.REJECTED,
                reason=why,
                verdict=None,
                derived=None,
                duplicate_of=None,
                generation=str(stored.generation),
            ),
        )
        self._sweep(stored)
        return Outcome(rejected.status.value)

    def _change(
        self, stored: StoredPhoto, change: Callable[[Observation], Observation]
    ) -> Observation:
        """Change what is stored by now. Raises _Gone if it was deleted, StoreUnavailable.

        People relabel and delete meanwhile, so a change starts from what they left. What another
        delivery has finished stays.
        """

        def unless_finished(current: Observation) -> Observation:
            if current.status is Status.DELETING:
                raise _Gone
            if _done(current, stored):
                return current
            return replace(change(current), updated=self._now())

        changed = self._observations.update(stored.uid, stored.id, unless_finished)
        if changed is None:
            raise _Gone
        return changed

    def _sweep(self, stored: StoredPhoto) -> None:
        """Remove the derived files of a deleted or rejected observation.

        They are listed before the observation is looked up: if the same photo is saved again
        meanwhile, its files have other generations and stay.
        """
        files = self._photos.list_derived(stored.uid, stored.id)
        current = self._observations.get(stored.uid, stored.id) if files else None
        if current is None or current.status in {Status.DELETING, Status.REJECTED}:
            for name, generation in files.items():
                self._photos.delete(name, generation=generation)


def _done(observation: Observation, stored: StoredPhoto) -> bool:
    """Whether this generation or a newer one is finished. Generations of an object only grow."""
    return observation.generation is not None and int(observation.generation) >= stored.generation


def _published(
    current: Observation, photo: Photo, answer: Classification, derived: Derived
) -> Observation:
    return replace(
        current,
        sha256=photo.sha256,
        media_type=photo.media_type,
        width=answer.width,
        height=answer.height,
        derived=derived,
    )


def verdict_of(answer: Classification) -> Verdict:
    """What an observation keeps of a classification."""
    best = answer.species[0] if answer.species else None
    return Verdict(
        is_parrot=answer.is_parrot,
        parrot_probability=answer.parrot_probability,
        species=best.species.id if best else None,
        species_probability=best.probability if best else None,
        bundle=answer.bundle,
        model=answer.models[-1][1],
    )
