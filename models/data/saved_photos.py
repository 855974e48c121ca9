"""Saved observations and their photos as a training set: what people chose becomes labels.

It is a folder of `parrots/SPECIES/UID-ID.EXT` with an `index.csv` that `fit` reads. Photos of one
user share a `near_duplicates` value, so that they are never split between training and test. Users
and ids are hashed. `bundle` and `model` name the model that judged the photo; `label_map` is the
sha256 of the species table that the labels refer to.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from parrot.errors import InvalidImage, UnsupportedMedia
from parrot.model.manifest import digest
from parrot.observation import Status
from parrot.photo import headers, images

if TYPE_CHECKING:
    from pathlib import Path

    from parrot.model.species import SpeciesTable
    from parrot.observation import Observation
    from parrot.store import ObservationStore, PhotoStore

_USED = frozenset({Status.READY, Status.NEEDS_REVIEW})
_SUFFIX = {kind: f".{kind.rpartition('/')[2]}" for kind in headers.MEDIA_TYPES}
_COLUMNS = (
    *("path", "group", "label", "near_duplicates", "source"),  # what `fit` reads
    *("status", "bundle", "model", "label_map"),
)


@dataclass(frozen=True, slots=True)
class Exported:
    """How many observations were written, and why the others were not."""

    written: int
    left_out: Counter[str]  # unlabelled, unprocessed, without_photo, duplicates


def export(
    observations: ObservationStore,
    originals: PhotoStore,
    species: SpeciesTable,
    species_csv: bytes,
    folder: Path,
) -> Exported:
    """Write the training set; a second run fetches only what is missing.

    Near-duplicates of the same user's photos are left out. Raises StoreUnavailable.
    """
    known = {row.id for row in species.rows}
    label_map = digest(species_csv)
    lines, left_out = [], Counter[str]()
    for observation in observations.everything():
        label = observation.label
        if observation.status not in _USED:
            left_out["unprocessed"] += 1
        elif label is None or label.species not in known:
            left_out["unlabelled"] += 1
        elif observation.duplicate_of is not None:
            left_out["duplicates"] += 1
        elif (path := _fetch(observation, label.species, originals, folder)) is None:
            left_out["without_photo"] += 1
        else:
            verdict = observation.verdict
            lines.append(
                {
                    "path": path.relative_to(folder).as_posix(),
                    "group": "parrots",
                    "label": label.species,
                    "near_duplicates": _hash(observation.uid),
                    "source": "saved",
                    "status": observation.status.value,
                    "bundle": verdict.bundle if verdict else "",
                    "model": verdict.model if verdict else "",
                    "label_map": label_map,
                }
            )
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, _COLUMNS)
        table.writeheader()
        table.writerows(sorted(lines, key=lambda line: line["path"]))
    return Exported(len(lines), left_out)


def _fetch(
    observation: Observation, species: str, originals: PhotoStore, folder: Path
) -> Path | None:
    """The photo's path in the folder; None if it no longer exists or cannot be read."""
    name = f"{_hash(observation.uid)}-{_hash(observation.id)}"
    path = folder / "parrots" / species / f"{name}{_SUFFIX.get(observation.media_type, '')}"
    if path.is_file() and digest(path.read_bytes()) == observation.sha256:
        return path
    data = originals.read(observation.object_name)
    try:
        images.read(data or b"")
    except (InvalidImage, UnsupportedMedia):
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data or b"")
    return path


def _hash(name: str) -> str:
    """Tells users apart without saying who they are."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]
