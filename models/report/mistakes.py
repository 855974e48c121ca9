"""The worst mistakes: each photo with its truth and the answer."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from models.data.labelled_photos import UNSORTED, Group
from models.report import tables
from parrot.errors import ParrotError
from parrot.model.served_model import Crop, InputSpec
from parrot.photo import images

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from models.arrays import Array, Index
    from models.evaluation.results import Results

    _Say = Callable[[int], tuple[str, str]]  # the answer, and its probability

EACH = 12  # of each of four kinds: 48 pictures
_EDGE = 160
_QUALITY = 82


@dataclass(frozen=True, slots=True)
class Mistake:
    """One photo; `picture` is a data URI, None if the file can no longer be read."""

    picture: str | None
    photo: str  # folder and file name only: the report may leave this machine
    truth: str
    answer: str
    probability: str  # of the answer
    source: str


@dataclass(frozen=True, slots=True)
class Kind:
    """The worst mistakes of one kind, and how many there are in total."""

    title: str
    order: str
    total: int
    worst: tuple[Mistake, ...]


def kinds(results: Results, names: Sequence[str]) -> list[Kind]:
    """All four kinds, including those without a mistake."""
    parrot, sure = results.of(Group.PARROTS), results.probabilities.max(axis=1)
    through = np.flatnonzero(~parrot & results.is_parrot)
    missed = np.flatnonzero(parrot & ~results.is_parrot)
    confused = results.known[~results.right]
    named = results.strangers[results.sets[results.strangers].sum(axis=1) == 1]

    def gate(number: int) -> tuple[str, str]:
        verdict = "a parrot" if results.is_parrot[number] else "not a parrot"
        return verdict, f"parrot {results.parrot[number]:.1%}"

    def species(number: int) -> tuple[str, str]:
        return names[results.guess[number]], f"{sure[number]:.1%}"

    def kind(title: str, order: str, found: Index, by: Array, say: _Say) -> Kind:
        worst = found[np.argsort(by[found], kind="stable")][:EACH]
        mistakes = tuple(_mistake(results, int(number), names, say) for number in worst)
        return Kind(title, order, len(found), mistakes)

    return [
        kind("Let through, not a parrot", "most confident first", through, -results.parrot, gate),
        kind("Parrots missed", "least likely first", missed, results.parrot, gate),
        kind("Wrong species", "most confident first", confused, -sure, species),
        kind(
            "Parrots of other species given one name", "most confident first", named, -sure, species
        ),
    ]


def _mistake(results: Results, number: int, names: Sequence[str], say: _Say) -> Mistake:
    photo = results.photos[number]
    label = "species uncertain" if photo.label == UNSORTED else photo.label
    if results.target[number] >= 0:
        truth = names[results.target[number]]
    else:
        kind = {
            Group.PARROTS: "parrot",
            Group.OTHER_BIRDS: "other bird",
            Group.NEGATIVES: "no bird",
        }
        truth = f"{kind[photo.group]}: {label}"
    return Mistake(
        thumbnail(photo.path),
        "/".join(photo.path.parts[-2:]),
        truth,
        *say(number),
        tables.short(photo.source),
    )


def thumbnail(path: Path) -> str | None:
    """The whole photo, upright, as a JPEG data URI; None if it cannot be read."""
    try:
        photo = images.read(path.read_bytes())
        width, height = images.measure(photo)
        scale = min(1.0, _EDGE / max(width, height))
        spec = InputSpec(
            max(1, round(width * scale)), max(1, round(height * scale)), crop=Crop.SQUASH
        )
        pixels = images.pixels(photo, spec).pixels
    except (ParrotError, OSError):
        return None
    out = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(out, "JPEG", quality=_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()
