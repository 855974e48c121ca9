"""The JSON bodies of answers, as types: mypy checks every key, OpenAPI is made from them.

TypedDicts, because `json.dumps` writes them as they are and because all 30 cost a cold start under
3 ms (dataclasses: 10 ms; importing msgspec: 12 ms). A `NotRequired` key is left out where there is
nothing to say; a `| None` key is always there. Those of /me and of errors are in `rights`
and `problems`.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from parrot.observation import Status  # noqa: TC001 - read at run time to make a schema
from parrot.records import Reason  # noqa: TC001 - as above


class Names(TypedDict):
    """What people call a species, or a text for them, by language."""

    en: str
    ko: str


class Species(TypedDict):
    """A class of the model: a species, or a genus. Also a line of species.json."""

    index: int
    id: str
    scientific_name: str
    names: Names
    cites: str | None


class ScoredSpecies(Species):
    """A line of the ranking."""

    probability: float


class SpeciesList(TypedDict):
    """species.json. `others` are labels that the model does not know."""

    species: list[Species]
    others: list[str]


class Verdict(TypedDict):
    """Whether the photo shows a parrot. `is_parrot` is true for `yes` alone."""

    is_parrot: bool
    probability: float
    verdict: Literal["yes", "maybe", "no"]


class SpeciesSet(TypedDict):
    """Ids of the species that it may be: the true one is among them with the stated coverage.

    `unknown` says that the set is empty: the photo resembles no species that the model knows.
    """

    coverage: float
    species: list[str]
    unknown: bool


class Taxon(TypedDict):
    """The lowest rank that the model is sure of.

    IUCN's category and CITES' appendix are those of `status_year`.
    """

    rank: Literal["species", "genus", "group", "family"]
    id: str
    scientific_name: str | None
    names: Names
    iucn: str | None
    cites: str | None
    status_year: int | None
    probability: float


class LookAlike(TypedDict):
    """A kind, or a group of kinds, that the model does not know."""

    id: str
    scientific_name: str | None
    names: Names


class ModelVersions(TypedDict):
    """What answered, each as NAME/VERSION; `extractor` only where a second model classifies."""

    bundle: str
    extractor: NotRequired[str]
    classifier: NotRequired[str]


class ClassifiedPhoto(TypedDict):
    """The photo as it was received; pixels after EXIF rotation.

    `focus` is where the model looked most: left, top, right and bottom as shares of the photo.
    """

    sha256: str
    width: int
    height: int
    focus: NotRequired[list[float]]


class Classification(TypedDict):
    """The answer for one photo. `species` is empty where it is not a parrot.

    `look_alikes` are kinds that the model may take for the one species of the set, left out where
    there are none: compare the bird with them before you rely on the name.

    `reason` says why it is not; left out where that is not clear. `tip` says what a person can do,
    beside a reason or if the verdict is `maybe`.
    """

    parrot: Verdict
    species: list[ScoredSpecies]
    set: NotRequired[SpeciesSet]
    taxon: NotRequired[Taxon]
    look_alikes: NotRequired[list[LookAlike]]
    reason: NotRequired[Reason]
    tip: NotRequired[Names]
    model: ModelVersions
    photo: ClassifiedPhoto


class JointClassification(Classification):
    """The answer for several photos of one bird: the joint one, and each photo's own in `photos`.

    `photo` is the one that shows the joint answer best. `agree` is false where the photos seem to
    show different birds: the set then has the species of each.
    """

    agree: bool
    photos: list[Classification]


class Readiness(TypedDict):
    """The answer of GET /classify: every part is there."""

    status: Literal["ready"]
    bundle: str
    models: list[str]


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
