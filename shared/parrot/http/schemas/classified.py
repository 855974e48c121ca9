"""What a photo shows: the answers of /classify, and species.json."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from parrot.records import Reason  # noqa: TC001 - read at run time to make a schema


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
