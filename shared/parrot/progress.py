"""How an observation changes while its photo is processed: from one record to the next."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from parrot.errors import InvalidRequest
from parrot.observation import Attempts, Label, Observation, Status, Verdict
from parrot.records import MEDIA_TYPES
from parrot.review import standing

if TYPE_CHECKING:
    from datetime import datetime

    from parrot.consent import Training
    from parrot.model.species import SpeciesTable
    from parrot.observation import Derived, StoredPhoto
    from parrot.records import Classification, Photo
    from parrot.store import StoredObject

UNKNOWN_TYPE = "application/octet-stream"
_OTHER_NAMES = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "image/heif": "image/heic",
}


def done(observation: Observation, stored: StoredPhoto) -> bool:
    """Whether this generation or a newer one is finished. Generations of an object only grow."""
    return observation.generation is not None and int(observation.generation) >= stored.generation


def attempts(observation: Observation, stored: StoredPhoto) -> int | None:
    """How often processing this generation has begun; None if it never has."""
    tried = observation.attempts
    known = tried is not None and tried.generation == str(stored.generation)
    return tried.count if tried is not None and known else None


def adopted(
    stored: StoredPhoto,
    facts: StoredObject,
    now: datetime,
    *,
    species: SpeciesTable,
    training: Training,
) -> Observation:
    """The observation of a photo that a phone uploaded by itself.

    Its type is as the phone names it until the photo was read.
    """
    stated = facts.content_type.partition(";")[0].strip().lower()
    stated = _OTHER_NAMES.get(stated, stated)
    labels: tuple[Label, ...] = ()
    if facts.species is not None:
        with contextlib.suppress(InvalidRequest):  # the person can still choose another
            named = species.label(species=facts.species)
            labels = (Label(named.id, named.index, facts.created),)
    return Observation(
        id=stored.id,
        uid=stored.uid,
        object_name=stored.name,
        labels=labels,
        sha256="",
        media_type=stated if stated in MEDIA_TYPES else UNKNOWN_TYPE,
        width=0,
        height=0,
        status=Status.PENDING,
        created=facts.created,
        updated=now,
        consent=training.consent(facts.training, facts.created),
    )


def begun(
    current: Observation, stored: StoredPhoto, *, most: int, now: datetime, lease: timedelta
) -> Observation:
    """One more attempt, or rejected if there were too many.

    Unchanged while the last one that was counted may be running: events come more than once, and
    only an attempt that is known to be dead has failed.
    """
    tried = attempts(current, stored)
    left = current.lease - now if current.lease is not None else timedelta()
    if tried is not None and timedelta() < left <= lease:  # longer: some clock was wrong
        return current
    if (tried or 0) >= most:
        return rejected(current, stored, f"processing this photo failed {tried} times")
    attempt = Attempts(str(stored.generation), (tried or 0) + 1)
    return replace(current, attempts=attempt, lease=now + lease)


def failed(current: Observation, begun: Observation, *, forgiven: bool) -> Observation:
    """The attempt that changed it to `begun` is over; one attempt fewer if that is forgiven."""
    tried = current.attempts
    if tried is None or (tried, current.lease) != (begun.attempts, begun.lease):
        return current
    return replace(current, attempts=Attempts(tried.generation, tried.count - forgiven), lease=None)


def rejected(current: Observation, stored: StoredPhoto, why: str) -> Observation:
    """It can never be processed."""
    return replace(
        current,
        status=Status.REJECTED,
        reason=why,
        verdict=None,
        embedded=None,
        derived=None,
        duplicate_of=None,
        attempts=None,
        lease=None,
        generation=str(stored.generation),
    )


def published(
    current: Observation, photo: Photo, answer: Classification, derived: Derived
) -> Observation:
    """What others may find it by; not finished yet."""
    return replace(
        current,
        sha256=photo.sha256,
        media_type=photo.media_type,
        width=answer.width,
        height=answer.height,
        derived=derived,
    )


def finished(current: Observation, stored: StoredPhoto, answer: Classification) -> Observation:
    """The last change: from now on this generation is done."""
    judged = replace(current, verdict=verdict_of(answer), embedded=answer.embedded)
    return replace(
        judged,
        status=standing(judged),
        reason=None,
        attempts=None,
        lease=None,
        generation=str(stored.generation),
    )


def verdict_of(answer: Classification) -> Verdict:
    """What an observation keeps of a classification."""
    best, likely = (answer.species[0] if answer.species else None), answer.species_set
    return Verdict(
        is_parrot=answer.is_parrot,
        maybe=answer.maybe,
        parrot_probability=answer.parrot_probability,
        species=best.species.id if best else None,
        species_probability=best.probability if best else None,
        bundle=answer.bundle,
        model=answer.models[-1][1],
        reason=answer.reason,
        likely=tuple(row.id for row in likely.species) if likely else None,
    )
