"""The observation: a photo that a person kept, its version, its place, its files."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parrot.consent import Consent
    from parrot.records import Embedded, Reason
    from parrot.sighting import Sighting

# Names in the bucket start with these: photos/{uid}/{id}, derived/{uid}/{id}/image.webp.
PHOTOS, DERIVED = "photos/", "derived/"
# A uid becomes part of object names and document paths, so it must be one plain path segment.
# Firebase uses 28 letters and digits; custom tokens may have any 128 characters.
UID = re.compile(r"(?!__.*__$)(?!\.{1,2}$)[A-Za-z0-9._:@|+=~-]{1,128}")
# A person who changes their mind more often is a program; Firestore's documents end at 1 MiB.
MOST_LABELS = 50
# Raise it with every change of what stores keep of an observation, queries' fields included. What
# says no form was written before there were any.
FORM = 2
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Status(StrEnum):
    """How far an observation has come."""

    PENDING = "pending"  # the photo is on its way, or not processed yet
    READY = "ready"
    NEEDS_REVIEW = "needs_review"  # processed; the model and the person disagree
    REJECTED = "rejected"  # it can never be processed; `reason` says why
    DELETING = "deleting"  # being removed; no longer shown to anyone


@dataclass(frozen=True, slots=True)
class Label:
    """What the person says that the photo shows, and since when."""

    species: str  # Species.id, or UntrainedLabel.id
    index: int | None  # of the model's class; None: it has none
    at: datetime
    text: str | None = None  # the person's own words beside it


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the model said about a saved photo; `species` is None if it cannot be a parrot."""

    is_parrot: bool
    parrot_probability: float
    species: str | None
    species_probability: float | None
    bundle: str
    model: str  # NAME/VERSION
    reason: Reason | None = None  # why it is not a parrot, if it is not and that is clear
    likely: tuple[str, ...] | None = None  # the set: what it may be; None if nothing tells
    maybe: bool = False  # it is not taken for a parrot, but may be one


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a reviewer says that the photo shows."""

    reviewer: str  # uid
    species: str  # Species.id, a taxon's, an UntrainedLabel's, or one of `review.py`
    at: datetime


@dataclass(frozen=True, slots=True)
class Derived:
    """What was derived from a saved photo; none of it has the original's metadata."""

    image: str  # object name of the clean copy, WebP, long side at most 1024 px
    thumbnail: str  # object name, WebP, long side at most 256 px
    width: int  # of `image`
    height: int
    blurhash: str
    phash: str  # perceptual hash, 16 hex digits


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often processing a photo has begun; written before the work, so deaths count too."""

    generation: str  # of the original
    count: int


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """An observation's place among its user's: older is less, ties go by id."""

    created: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Observation:
    """A photo that a person kept, and the species the person chose (None: not yet)."""

    id: str
    uid: str
    object_name: str  # of the original photo in the bucket
    labels: tuple[Label, ...]  # oldest first; the last one is current
    sha256: str
    media_type: str
    width: int
    height: int
    status: Status
    created: datetime
    updated: datetime
    revision: int = 1  # counts changes
    generation: str | None = None  # of the original that was processed last
    verdict: Verdict | None = None
    derived: Derived | None = None
    duplicate_of: str | None = None  # id of an older near-duplicate of the same user
    reason: str | None = None  # why it was rejected
    attempts: Attempts | None = None  # None once a photo is finished
    opinions: tuple[Opinion, ...] = ()  # oldest first, the last of each reviewer counts
    consent: Consent | None = None  # to training; None: the person was not asked
    learnt_by: tuple[str, ...] = ()  # versions of the bundles that were fitted on it
    sighting: Sighting | None = None  # None: the person did not say when or where
    embedded: Embedded | None = None  # what it looks like; None if the bundle could not tell
    lease: datetime | None = None  # until when the last attempt that was counted may be running
    form: int = FORM  # of the document that it was read from

    @property
    def revised(self) -> Observation:
        """What a store makes of a change: the next revision, written in today's form."""
        return replace(self, revision=self.revision + 1, form=FORM)

    @property
    def label(self) -> Label | None:
        """The current label."""
        return self.labels[-1] if self.labels else None

    @property
    def processed(self) -> bool:
        """Whether its photo has been judged, and nobody removes it."""
        return self.status in {Status.READY, Status.NEEDS_REVIEW}

    @property
    def may_train(self) -> bool:
        """Whether the person allows it."""
        return self.consent is not None and self.consent.given

    @property
    def place(self) -> Place:
        """What a user's observations are ordered by."""
        return Place(self.created, self.id)

    @property
    def version(self) -> str:
        """Differs in every stored state, even after the photo was deleted and saved again."""
        return f"{self.revision}-{micros(self.created):x}"

    @property
    def label_version(self) -> str:
        """Changes when a person changes the label, or deletes the photo and saves it again.

        Labels are only ever appended, so their number tells.
        """
        return f"{micros(self.created):x}-{len(self.labels)}"


@dataclass(frozen=True, slots=True)
class Page:
    """Some observations, newest first; `next` is the last one's place if there are more."""

    observations: tuple[Observation, ...]
    next: Place | None


def micros(when: datetime) -> int:
    """Microseconds since 1970."""
    return (when - EPOCH) // timedelta(microseconds=1)


def photo_name(uid: str, observation_id: str) -> str:
    """Object name of an original that `save` stores."""
    return f"{PHOTOS}{uid}/{observation_id}"


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """Which photo a storage event is about, and the observation that it belongs to.

    What else an event says (size, type, time) may be wrong by now: ask the bucket.
    """

    bucket: str
    name: str
    generation: int
    uid: str
    id: str  # of its observation: the name if that is a UUID, else derived from it


def parse_photo_name(name: str) -> tuple[str, str] | None:
    """Uid and last part of `photos/{uid}/{name}`; None for every other object.

    Phones that upload by themselves may choose any last part without a slash.
    """
    uid, _, last = name.removeprefix(PHOTOS).partition("/")
    if not name.startswith(PHOTOS) or not UID.fullmatch(uid) or not last or "/" in last:
        return None
    return uid, last


def derived_name(uid: str, observation_id: str, file: str) -> str:
    """Object name of a derived file, `image` or `thumbnail`."""
    return f"{derived_folder(uid, observation_id)}{file}.webp"


def derived_folder(uid: str, observation_id: str) -> str:
    """What the names of everything derived from one photo start with."""
    return f"{DERIVED}{uid}/{observation_id}/"
