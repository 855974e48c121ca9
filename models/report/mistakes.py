"""The worst mistakes: each photo with its truth and the answer."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.arrays import Array, Index
from models.data.labelled_photos import UNSORTED, Group
from models.evaluation.results import Results
from models.report import tables
from parrot.errors import ParrotError
from parrot.photo import images

EACH = 12  # of each of four kinds: 48 pictures
WORST = 20  # of all kinds together, under stress and of photos as phones take them
_EDGE = 160
_QUALITY = 82
_KINDS = {Group.PARROTS: "parrot", Group.OTHER_BIRDS: "other bird", Group.NEGATIVES: "no bird"}


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
class MistakeKind:
    """The worst mistakes of one kind, worst first, and how many there are in total."""

    title: str
    total: int
    worst: tuple[Mistake, ...]


def kinds(results: Results, names: Sequence[str]) -> list[MistakeKind]:
    """All four kinds, including those without a mistake."""
    kinds = []
    for title, photos, how_bad, gate in _by_kind(results):
        order = photos[np.argsort(-how_bad[photos], kind="stable")][:EACH].tolist()
        worst = tuple(_mistake(results, number, names, gate=gate) for number in order)
        kinds.append(MistakeKind(title, len(photos), worst))
    return kinds


def worst(title: str, results: Results, names: Sequence[str]) -> MistakeKind:
    """The worst mistakes of all kinds together: those that the answer was surest of."""
    every = [
        (float(how_bad[number]), number, gate)
        for _, photos, how_bad, gate in _by_kind(results)
        for number in photos.tolist()
    ]
    every.sort(reverse=True)
    rows = tuple(_mistake(results, number, names, gate=gate) for _, number, gate in every[:WORST])
    return MistakeKind(f"All kinds, {title}", len(every), rows)


def _by_kind(results: Results) -> list[tuple[str, Index, Array, bool]]:
    """Title, photos, how bad it would be for each photo, and whether it is the gate's."""
    parrot, sure = results.of(Group.PARROTS), results.probabilities.max(axis=1)
    alone = results.one_name[results.strangers]
    return [
        (
            "Let through, not a parrot",
            np.flatnonzero(~parrot & results.is_parrot),
            results.parrot,
            True,
        ),
        ("Parrots missed", np.flatnonzero(parrot & ~results.is_parrot), 1 - results.parrot, True),
        ("Wrong species", results.known[~results.right], sure, False),
        ("Parrots of other species given one name", results.strangers[alone], sure, False),
    ]


def _mistake(results: Results, number: int, names: Sequence[str], *, gate: bool) -> Mistake:
    """What the gate answered, or else which species."""
    photo = results.photos[number]
    label = "species uncertain" if photo.label == UNSORTED else photo.label
    change = f", {results.stress[number]}" if results.stress[number] else ""
    target = results.target[number]
    if gate:
        answer = "a parrot" if results.is_parrot[number] else "not a parrot"
        probability = f"parrot {results.parrot[number]:.1%}"
    else:
        answer = names[results.guess[number]]
        probability = f"{results.probabilities[number].max():.1%}"
    return Mistake(
        _thumbnail(photo.path),
        "/".join(photo.path.parts[-2:]),
        (names[target] if target >= 0 else f"{_KINDS[photo.group]}: {label}") + change,
        answer,
        probability,
        tables.short(photo.source),
    )


def _thumbnail(path: Path) -> str | None:
    """The whole photo, upright, as a JPEG data URI; None if it cannot be read."""
    try:
        picture = images.upright(images.read(path.read_bytes()), long_side=_EDGE)
    except (ParrotError, OSError):
        return None
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()
