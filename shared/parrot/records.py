"""The frozen records that travel between the steps."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from datetime import datetime

Floats: TypeAlias = npt.NDArray[np.float32]
Bytes: TypeAlias = npt.NDArray[np.uint8]


class Crop(StrEnum):
    """How a photo of any shape becomes the model's rectangle."""

    CENTER = "center"  # the largest centred cut with the model's aspect ratio
    SQUASH = "squash"  # the whole photo, aspect ratio ignored


class Resampling(StrEnum):
    """How pixels are averaged when the size changes."""

    ANTIALIAS = "antialias"  # Pillow's bilinear with a support that grows with the reduction
    TF_BILINEAR = "tf-bilinear"  # tf.image.resize(method="bilinear", antialias=False)


class Scaling(StrEnum):
    """What range the model wants its numbers in."""

    NONE = "none"  # uint8, 0..255; the model scales for itself
    UNIT = "unit"  # 0..1
    SYMMETRIC = "symmetric"  # -1..1
    CAFFE = "caffe"  # BGR minus the ImageNet mean, as Keras calls it


class Encoding(StrEnum):
    """How one photo travels to the model server."""

    RAW = "raw"  # {"b64": uint8 pixels, row by row}
    JPEG = "jpeg"  # {"b64": a JPEG file of the model's size}
    FLOATS = "floats"  # nested JSON lists: slow, but every model takes it


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What a model wants to be fed."""

    width: int
    height: int
    crop: Crop = Crop.CENTER
    resampling: Resampling = Resampling.ANTIALIAS
    scaling: Scaling = Scaling.NONE
    encoding: Encoding = Encoding.RAW


@dataclass(frozen=True, slots=True)
class Photo:
    """A file that says of itself that it is an image; nothing is decoded yet."""

    data: bytes = field(repr=False)
    media_type: str
    sha256: str


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
    """What a served model says of one photo; what the model does not give is None."""

    features: Floats | None
    probabilities: Floats | None
    logits: Floats | None
    model_version: str


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
class SpeciesScore:
    """One line of the ranking."""

    species: Species
    probability: float


@dataclass(frozen=True, slots=True)
class SpeciesSet:
    """The species that it may be: the true one is among them with the stated frequency.

    Empty where the photo resembles none of the known species.
    """

    coverage: float
    species: tuple[Species, ...]


@dataclass(frozen=True, slots=True)
class Timing:
    """What a step cost, for the Server-Timing header."""

    step: str
    milliseconds: float
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Classification:
    """The answer for one photo."""

    is_parrot: bool
    parrot_probability: float
    species: tuple[SpeciesScore, ...]  # best first; empty where it is no parrot
    probabilities: tuple[float, ...]  # by class index; empty where it is no parrot
    species_set: SpeciesSet | None  # None where it is no parrot or the bundle has none
    bundle: str
    models: tuple[tuple[str, str], ...]  # role -> NAME/VERSION
    sha256: str
    width: int
    height: int
    timings: tuple[Timing, ...] = ()


# A uid becomes part of object names and document paths, so it is one plain segment of a path.
# Firebase makes 28 letters and digits; custom tokens may hold anything up to 128 characters.
UID = re.compile(r"(?!__.*__$)(?!\.{1,2}$)[A-Za-z0-9._:@|+=~-]{1,128}")
ANONYMOUS_UID = "anonymous"  # all the phones of the first version, which know no login


@dataclass(frozen=True, slots=True)
class User:
    """Who asks. Raises ValueError for a uid that cannot be part of an object's name."""

    uid: str
    anonymous: bool = False

    def __post_init__(self) -> None:
        if UID.fullmatch(self.uid) is None or self.anonymous != (self.uid == ANONYMOUS_UID):
            raise ValueError(f"no uid: {self.uid!r:.40}")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a user's quota, for the RateLimit headers."""

    quota: str  # what is counted
    limit: int  # so many in each window
    seconds: int  # the window's length
    remaining: int
    resets_in: int  # seconds until the next window


class Status(StrEnum):
    """Where an observation stands in its life."""

    PENDING = "pending"  # the photo is on its way, or not processed yet
    READY = "ready"
    NEEDS_REVIEW = "needs_review"  # processed; the model and the person disagree
    REJECTED = "rejected"  # it can never be processed; `reason` says why
    DELETING = "deleting"  # being removed; nobody is shown it any more


@dataclass(frozen=True, slots=True)
class Label:
    """A species that the person chose, and when."""

    species: str  # Species.id
    index: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the model said of a saved photo; `species` is None where it is no parrot."""

    is_parrot: bool
    parrot_probability: float
    species: str | None
    species_probability: float | None
    bundle: str
    model: str  # NAME/VERSION


@dataclass(frozen=True, slots=True)
class Derived:
    """What was made of a saved photo; nothing of it carries the original's metadata."""

    image: str  # object name of the clean copy, WebP, long side at most 1024 px
    thumbnail: str  # object name, WebP, long side at most 256 px
    width: int  # of `image`
    height: int
    blurhash: str
    phash: str  # perceptual hash, 16 hex digits


@dataclass(frozen=True, slots=True)
class Observation:
    """A photo that a person kept, and the species the person chose (None: not yet)."""

    id: str
    uid: str
    object_name: str  # of the original photo in the bucket
    labels: tuple[Label, ...]  # oldest first; the last one counts
    sha256: str
    media_type: str
    width: int
    height: int
    status: Status
    created: datetime
    updated: datetime
    revision: int = 1  # counts changes; the ETag
    generation: str | None = None  # of the original that was processed last
    verdict: Verdict | None = None
    derived: Derived | None = None
    duplicate_of: str | None = None  # id of an older near-duplicate of the same user
    reason: str | None = None  # why it was rejected

    @property
    def label(self) -> Label | None:
        """The species that counts."""
        return self.labels[-1] if self.labels else None


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """What a storage event says of an object `photos/{uid}/{name}`, and whose it becomes."""

    bucket: str
    name: str
    generation: int
    size: int  # bytes
    content_type: str  # as the uploader named it; nobody checked
    uid: str
    id: str  # of its observation: the name where that is a UUID, else made from it
    created: datetime
    species: str | None = None  # that the uploader wrote beside it; nobody checked


@dataclass(frozen=True, slots=True)
class Page:
    """Some observations, newest first; `next` is the last one's place if there are more."""

    observations: tuple[Observation, ...]
    next: Place | None


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where an observation stands in its user's list: newest first, ties by id."""

    created: datetime
    id: str
