"""The frozen records that travel between the steps."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from operator import mul
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:  # NumPy: 60 ms, and half of the functions never need it
    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float32]
    Numbers: TypeAlias = npt.NDArray[np.floating]
    Bytes: TypeAlias = npt.NDArray[np.uint8]
    Flags: TypeAlias = npt.NDArray[np.bool_]

# Of photos that are read.
MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp", "image/heic", "image/avif")


@dataclass(frozen=True, slots=True)
class Header:
    """A file's own claims. `width` and `height` are as stored, before `orientation` is applied."""

    width: int
    height: int
    orientation: int = 1  # EXIF's 1..8
    channels: int = 3  # that a decoder keeps for each pixel
    scans: int = 1  # passes over a JPEG's coefficients
    buffered: bool = False  # the decoder keeps every coefficient: progressive and the like
    icc: bytes | None = field(default=None, repr=False)
    cicp: tuple[int, int] | None = None  # primaries and transfer function (ITU-T H.273)
    decoded_pixels: int = 0  # of a picture of tiles, each as often as it is named
    # See `headers.essential`.
    spans: tuple[tuple[int, int], ...] | None = field(default=None, repr=False)
    unended: bool = False  # a JPEG without its last marker: see `photo.unended`


@dataclass(frozen=True, slots=True)
class Photo:
    """A file that starts like an image; nothing is decoded yet."""

    data: bytes = field(repr=False)
    media_type: str
    sha256: str
    header: Header = field(repr=False)


@dataclass(frozen=True, slots=True)
class Raster:
    """A photo, decoded and resampled to what a model wants.

    `pixels` is (height, width, 3) RGB: uint8, or float32 in 0..255 where the resampling gives
    fractions. `width` and `height` are those of the whole photo, upright.
    """

    pixels: Bytes | Floats = field(repr=False)
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Prediction:
    """A served model's outputs for one photo; None for those that it does not have."""

    features: Floats | None
    probabilities: Floats | None
    logits: Floats | None
    model_version: str
    focus: Floats | None = None  # left, top, right and bottom, in 0..1 of what the model saw
    second_focus: Floats | None = None


@dataclass(frozen=True, slots=True)
class Species:
    """One class of the species head: a species, or a genus where the model goes no further."""

    index: int
    id: str
    scientific_name: str
    english: str
    korean: str
    cites: str


@dataclass(frozen=True, slots=True)
class UntrainedLabel:
    """A label that is not one of the model's classes: kept as it is, never trained on."""

    id: str
    index: None = None


# Labels for what the model has no class for.
OTHER_PARROT, NOT_A_PARROT = UntrainedLabel("other-parrot"), UntrainedLabel("not-a-parrot")
UNTRAINED = (OTHER_PARROT, NOT_A_PARROT)


@dataclass(frozen=True, slots=True)
class SpeciesScore:
    """One line of the ranking."""

    species: Species
    probability: float


@dataclass(frozen=True, slots=True)
class SpeciesSet:
    """The species that it may be: the true one is among them as often as `coverage` says.

    Empty if the photo resembles none of the known species.
    """

    coverage: float
    species: tuple[Species, ...]


class Rank(StrEnum):
    """From the most to the least exact."""

    SPECIES = "species"
    GENUS = "genus"
    GROUP = "group"
    FAMILY = "family"


@dataclass(frozen=True, slots=True)
class Taxon:
    """One row; `parent` is the id of the next taxon up, empty if there is none or it is unknown."""

    id: str
    rank: Rank
    parent: str
    scientific_name: str
    english: str
    korean: str
    iucn: str = ""
    cites: str = ""
    status_year: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """A taxon and how probable it is."""

    taxon: Taxon
    probability: float


@dataclass(frozen=True, slots=True)
class LookAlike:
    """A kind, or a group of kinds, that the model does not know and that looks like one it does."""

    of: str  # id of the species that it looks like
    id: str
    scientific_name: str
    english: str
    korean: str


class Reason(StrEnum):
    """Why a photo was not taken for a parrot."""

    NO_BIRD = "no_bird"
    OTHER_BIRD = "other_bird"
    NOT_ALIVE = "not_alive"  # the picture or figure of a bird
    TOO_SMALL = "too_small"
    BLURRED = "blurred"
    TOO_DARK = "too_dark"


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a step took, for the Server-Timing header."""

    step: str
    milliseconds: float
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Scores:
    """What gate and heads say of photos: probabilities, in arrays whose leading axes are photos.

    Of one photo they have no leading axis; an evaluation has others, such as that of looks.
    """

    parrot: Numbers  # (...)
    # (..., 2 or 3): another bird, no bird, perhaps a figure; None if the gate cannot tell them
    others: Numbers | None
    species: Numbers | None  # (..., classes + 1), "another parrot" last; None without heads
    groups: Numbers | None  # (..., groups)
    probabilities: Numbers | None = None  # (..., classes): the served model's, for parrots only
    logits: Numbers | None = None

    def at(self, rows: Any) -> Scores:  # noqa: ANN401 - as NumPy
        """These of the leading axes."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        present = {name: array[rows] for name, array in arrays.items() if array is not None}
        return replace(self, **present)


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from scores; leading axes as theirs."""

    scores: Scores
    is_parrot: Flags  # (...)
    in_set: Flags | None  # (..., classes): the species that it may be; None where nothing tells
    maybe: Flags  # (...) not taken for a parrot, but too likely to be one for a "no"
    doubted: Flags  # (...) "another parrot" is too likely for a set's one species to be named

    @property
    def is_named(self) -> Flags:
        """(...) whether the answer has species."""
        return self.is_parrot | self.maybe

    def at(self, rows: Any) -> Decision:  # noqa: ANN401 - as NumPy
        """These of the leading axes."""
        in_set = None if self.in_set is None else self.in_set[rows]
        flags = (self.maybe[rows], self.doubted[rows])
        return Decision(self.scores.at(rows), self.is_parrot[rows], in_set, *flags)


@dataclass(frozen=True, slots=True)
class Embedded:
    """Where a photo lies among others: see `model.embedding`."""

    space: str  # vectors of different spaces cannot be compared
    vector: tuple[float, ...] = field(repr=False)  # of length 1
    distance: float  # from what the bundle was fitted on, 0 to 2

    def apart(self, other: Embedded) -> float:
        """1 - cosine of two of one space: 0 for the same photo, 2 for opposites."""
        cosine: float = sum(map(mul, self.vector, other.vector))
        return max(0.0, 1 - cosine)


FAR = 0.4  # photos so far apart, or more, have little in common


@dataclass(frozen=True, slots=True)
class Basis:
    """What an answer is made from.

    `features` (looks, d) are of the first look and closer ones; `nothing` is what the first one saw
    (see `decision.sees_nothing`).
    """

    features: Floats
    nothing: bool = False


@dataclass(frozen=True, slots=True)
class Classification:
    """The answer for one photo."""

    is_parrot: bool
    parrot_probability: float
    species: tuple[SpeciesScore, ...]  # best first; empty if it cannot be a parrot
    probabilities: tuple[float, ...]  # by class index; empty if it cannot be a parrot
    species_set: SpeciesSet | None  # None if it cannot be a parrot or the bundle has none
    bundle: str
    models: tuple[tuple[str, str], ...]  # role -> NAME/VERSION
    sha256: str
    width: int
    height: int
    timings: tuple[Timing, ...] = ()
    taxon: Named | None = None  # the lowest rank that the model is sure of, None if of none
    decision: Decision | None = field(default=None, repr=False, compare=False)  # for joint answers
    reason: Reason | None = None  # why it is not a parrot, None if that is not clear
    maybe: bool = False  # it is not taken for a parrot, but may be one
    focus: tuple[float, ...] | None = None  # see Prediction, of the whole photo
    embedded: Embedded | None = None  # of the first look; None if the bundle cannot tell
    look_alikes: tuple[LookAlike, ...] = ()  # of the one species of the set, where it is one

    @property
    def verdict(self) -> str:
        """In one word, as the API has it."""
        return "yes" if self.is_parrot else "maybe" if self.maybe else "no"


@dataclass(frozen=True, slots=True)
class Together:
    """The answers for several photos of one bird, in their order, and the joint one."""

    answer: Classification
    photos: tuple[Classification, ...]
    agree: bool  # False if they seem to show different birds
