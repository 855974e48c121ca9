"""How an observation changes while its photo is processed: from one record to the next."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from parrot.errors import InvalidRequest
from parrot.observation import Attempts, Label, Observation, Status, Verdict, reviewed
from parrot.photo.headers import MEDIA_TYPES

if TYPE_CHECKING:
    from datetime import datetime

    from parrot.model.species import SpeciesTable
    from parrot.observation import Derived
    from parrot.records import Classification, Photo, StoredObject, StoredPhoto

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
    stored: StoredPhoto, facts: StoredObject, species: SpeciesTable, now: datetime
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
    )


def begun(current: Observation, stored: StoredPhoto, *, most: int) -> Observation:
    """One more attempt, or rejected if there were too many."""
    failed = attempts(current, stored) or 0
    if failed >= most:
        return rejected(current, stored, f"processing this photo failed {failed} times")
    return replace(current, attempts=Attempts(str(stored.generation), failed + 1))


def forgiven(current: Observation, stored: StoredPhoto) -> Observation:
    """One attempt fewer."""
    count = max(0, (attempts(current, stored) or 0) - 1)
    return replace(current, attempts=Attempts(str(stored.generation), count))


def rejected(current: Observation, stored: StoredPhoto, why: str) -> Observation:
    """It can never be processed."""
    return replace(
        current,
        status=Status.REJECTED,
        reason=why,
        verdict=None,
        derived=None,
        duplicate_of=None,
        attempts=None,
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
    verdict = verdict_of(answer)
    return replace(
        current,
        status=reviewed(current.label, verdict),
        verdict=verdict,
        reason=None,
        attempts=None,
        generation=str(stored.generation),
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
        reason=answer.reason,
    )
