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

from models.data import near_duplicates

if TYPE_CHECKING:
    from collections.abc import Container

UNSORTED = "_unsorted-parrot"  # label of a photo that shows a parrot of an uncertain species
LABELS = Path(__file__).with_name("labels.csv")
TAXONOMY_CSV = Path(__file__).with_name("taxonomy.csv")
_LAYOUT = (
    "photos belong in parrots/LABEL/, other_birds/LABEL/ and negatives/LABEL/, or are listed in an"
    " index.csv of path,group,label"
)
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
    elif where.is_dir():
        photos = _from_folder(where)
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
    found = [
        (group, path)
        for group in Group
        for path in sorted((root / group).glob("*/*"))
        if path.suffix.lower() in _SUFFIXES
    ]
    clusters = near_duplicates.clusters([path for _, path in found])
    return [
        LabelledPhoto(
            path=path,
            group=group,
            label=path.parent.name,
            taxon=_taxon(group, path.parent.name, taxa),
            cluster=cluster,
            source="",
        )
        for (group, path), cluster in zip(found, clusters, strict=True)
    ]


def _taxon(group: str, label: str, by_label: dict[str, str]) -> str | None:
    if group != Group.PARROTS or label == UNSORTED:
        return None
    return by_label.get(label, label)


def taxa_by_label() -> dict[str, str]:
    """What each label of `labels.csv` stands for."""
    with LABELS.open(newline="", encoding="utf-8") as file:
        return {line["label"]: line["taxon"] for line in csv.DictReader(file)}
