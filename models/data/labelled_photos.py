"""Labelled photos for training and evaluation: a folder, or a CSV of path, label and group.

A folder contains `parrots/LABEL/*`, `other_birds/LABEL/*` and `negatives/LABEL/*`. Its `index.csv`,
if there is one, may have two more columns: photos with the same `near_duplicates` are never split
between training and test, and all photos of one `source` can be left out together.

A label is a taxon of `taxonomy.csv` by way of `labels.csv`, or a species' own id.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from parrot.duplicates import SIMILAR_BITS, bits_apart
from parrot.errors import RequestError
from parrot.photo import images
from parrot.photo.thumbnails import perceptual_hash

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

UNSORTED = "_unsorted-parrot"  # label of a photo that shows a parrot of an uncertain species
LABELS = Path(__file__).with_name("labels.csv")
TAXONOMY_CSV = Path(__file__).with_name("taxonomy.csv")
_LAYOUT = (
    "photos belong in parrots/LABEL/, other_birds/LABEL/ and negatives/LABEL/, or are listed in an"
    " index.csv of path,group,label"
)
_HASHED_SIDE = 128  # long side in pixels: enough for a hash of 64 slow waves
_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".heic", ".avif"})


class Group(StrEnum):
    """What a photo shows."""

    PARROTS = "parrots"
    OTHER_BIRDS = "other_birds"
    NEGATIVES = "negatives"


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """One photo and what it shows.

    `taxon` is what the label stands for: an id of `taxonomy.csv`, or the label itself where
    `labels.csv` does not list it. None if it is not a parrot, or its species is not known.
    """

    path: Path
    group: Group
    label: str
    taxon: str | None
    cluster: str  # photos of one cluster are never split between training and test
    source: str  # empty if it is not known

    @property
    def is_parrot(self) -> bool:
        """What the gate should answer."""
        return self.group is Group.PARROTS

    def species(self, known: Container[str]) -> str | None:
        """Its species' id if that is one of these; a label that is an id itself comes first."""
        if not self.is_parrot:
            return None
        return next((name for name in (self.label, self.taxon) if name and name in known), None)


class BadDataset(Exception):
    """The photos or their index cannot be used; the message names the line."""


def read(where: Path) -> list[LabelledPhoto]:
    """All labelled photos of a folder or a CSV, sorted by path. Raises BadDataset."""
    if where.is_file():
        photos = _from_csv(where, where.parent)
    elif (where / "index.csv").is_file():
        photos = _from_csv(where / "index.csv", where)
        _stay_inside(photos, where)
    elif where.is_dir():
        photos = _from_folder(where)
        _stay_inside(photos, where)
    else:
        raise BadDataset(f"{where} is neither a folder nor a CSV")
    if not photos:
        layout = "" if where.is_file() else f"; {_LAYOUT}"
        raise BadDataset(f"{where} contains no labelled photos{layout}")
    return sorted(photos, key=lambda photo: str(photo.path))


def _from_csv(index: Path, root: Path) -> list[LabelledPhoto]:
    taxa = taxa_by_label()
    photos = []
    with index.open(newline="", encoding="utf-8") as file:
        for number, line in enumerate(csv.DictReader(file), start=2):
            try:
                path = root / line["path"]
                photos.append(
                    LabelledPhoto(
                        path=path,
                        group=Group(line["group"]),
                        label=line["label"],
                        taxon=_taxon(line["group"], line["label"], taxa),
                        cluster=line.get("near_duplicates") or str(path),
                        source=line.get("source") or "",
                    )
                )
            except (KeyError, ValueError) as error:
                raise BadDataset(f"{index}, line {number}: {error}") from error
            if not path.is_file():
                raise BadDataset(f"{index}, line {number}: {path} does not exist")
    return photos


def _from_folder(root: Path) -> list[LabelledPhoto]:
    taxa = taxa_by_label()
    paths = [
        (group, path)
        for group in Group
        for path in sorted((root / group).glob("*/*"))
        if path.suffix.lower() in _SUFFIXES
    ]
    return [
        LabelledPhoto(
            path=path,
            group=group,
            label=path.parent.name,
            taxon=_taxon(group, path.parent.name, taxa),
            cluster=cluster,
            source="",
        )
        for (group, path), cluster in zip(paths, _clusters([p for _, p in paths]), strict=True)
    ]


def _stay_inside(photos: Sequence[LabelledPhoto], root: Path) -> None:
    """A folder from elsewhere must not bring in this machine's other files. Raises BadDataset."""
    for photo in photos:
        if not photo.path.resolve().is_relative_to(root.resolve()):
            raise BadDataset(f"{photo.path} is outside of {root}: copy the photo itself there")


def _clusters(paths: Sequence[Path]) -> list[str]:
    """The cluster of each photo: the path of the first one that shows about the same picture.

    Every photo is compared with every other. A file that is not a photo is a cluster of its own;
    whoever looks at it will say so.
    """
    hashes = [_hash(path) for path in paths]
    first = list(range(len(paths)))
    for number, phash in enumerate(hashes):
        for other in range(number):
            same = phash and hashes[other] and bits_apart(phash, hashes[other]) <= SIMILAR_BITS
            if same and first[number] != first[other]:
                joined = first[number], first[other]
                first = [min(joined) if cluster in joined else cluster for cluster in first]
    return [str(paths[number]) for number in first]


def _hash(path: Path) -> str:
    try:
        photo = images.read(path.read_bytes())
        return perceptual_hash(images.upright(photo, long_side=_HASHED_SIDE))
    except RequestError:
        return ""


def _taxon(group: str, label: str, by_label: dict[str, str]) -> str | None:
    if group != Group.PARROTS or label == UNSORTED:
        return None
    return by_label.get(label, label)


def taxa_by_label() -> dict[str, str]:
    """What each label of `labels.csv` stands for."""
    with LABELS.open(newline="", encoding="utf-8") as file:
        return {line["label"]: line["taxon"] for line in csv.DictReader(file)}
