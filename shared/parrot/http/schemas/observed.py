"""Saved photos, as users and reviewers see them: the answers of save, observations and reviews."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from parrot.http.schemas.classified import (  # noqa: TC001 - read at run time to make a schema
    ModelVersions,
    Verdict,
)
from parrot.observation import Status  # noqa: TC001 - as above
from parrot.records import Reason  # noqa: TC001 - as above


class SavedPhoto(TypedDict):
    """The photo of an observation; null until the photo has been processed."""

    sha256: str | None
    media_type: str
    width: int | None
    height: int | None


class Label(TypedDict):
    """What the user says that the photo shows, and since when (RFC 3339, UTC).

    `other-parrot` and `not-a-parrot` have no index; `text` is the user's own words.
    """

    species: str
    index: int | None
    at: str
    text: NotRequired[str]


class SavedSet(TypedDict):
    """The ids of every species that a saved photo may show; `unknown`: none of them."""

    species: list[str]
    unknown: bool


class SavedVerdict(TypedDict):
    """What the model says of a saved photo: the best species only, null if it is not a parrot.

    `reason`: as in the answer of POST /classify.
    """

    parrot: Verdict
    species: str | None
    probability: float | None
    set: NotRequired[SavedSet]
    reason: NotRequired[Reason]
    model: ModelVersions


class Files(TypedDict):
    """Download URLs; anyone who has one can download for up to an hour."""

    image: str
    thumbnail: str


class Seen(TypedDict):
    """When and where the user says the bird was seen; `taken` is local time without a zone.

    For the user alone. Coordinates are in degrees, rounded to three decimals.
    """

    taken: str | None
    latitude: float | None
    longitude: float | None


class Settlement(TypedDict):
    """What reviewers settled, alone or with the user. Another label afterwards is an objection."""

    species: str
    at: str


class Observation(TypedDict):
    """A saved photo. `species` and `index` are the last of `labels`; times are RFC 3339, UTC.

    `training`: whether it may train models, and since when; left out if the user was not asked.
    """

    id: str
    species: str | None
    index: int | None
    status: Status
    photo: SavedPhoto
    created: str
    updated: str
    labels: list[Label]
    verdict: NotRequired[SavedVerdict]
    files: NotRequired[Files]
    blurhash: NotRequired[str]
    training: NotRequired[bool]
    training_at: NotRequired[str]
    sighting: NotRequired[Seen]
    review: NotRequired[Settlement]
    duplicate_of: NotRequired[str]
    reason: NotRequired[str]


class ObservationPage(TypedDict):
    """The answer of GET /observations; the last page has no `next_page_token`."""

    observations: list[Observation]
    next_page_token: NotRequired[str]


class SettledPhoto(TypedDict):
    """A photo that looks like the one to decide, and what it was settled as.

    `image` is the path of its clean copy. `distance` is 0 for the same photo; from 0.4 on photos
    have little in common and are left out.
    """

    id: str
    image: str
    species: str
    distance: float


class Review(TypedDict):
    """A photo for reviewers: what its owner and the model say, never who that is.

    `image` is the path of the clean copy; `outcome` what was settled, left out until it is;
    `similar` what is settled already, the nearest first, left out where nothing is known.
    """

    id: str
    image: str
    label: Label | None
    verdict: SavedVerdict | None
    opinions: int
    outcome: NotRequired[str]
    similar: NotRequired[list[SettledPhoto]]


class ReviewPage(TypedDict):
    """The answer of GET /reviews: the most urgent first; empty if there is nothing to do."""

    reviews: list[Review]


class ReviewSummary(TypedDict):
    """How much waits for reviewers, 500 at most, and how much of each label."""

    waiting: int
    labels: dict[str, int]
