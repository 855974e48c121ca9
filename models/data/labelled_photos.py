"""Labelled photos for training and evaluation: a folder, or a CSV of path, label and group.

A folder contains `parrots/LABEL/*`, `other_birds/LABEL/*` and `negatives/LABEL/*`. Its `index.csv`,
if there is one, may have three more columns: photos with the same `near_duplicates` are never split
between training and test, all photos of one `source` are left out together, and those that are
`phone_like` are counted by themselves.

A label is a taxon of `taxonomy.csv` by way of `labels.csv`, or a species' own id.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path

from models.data import tables
from parrot.duplicates import SIMILAR_BITS, bits_apart
from parrot.errors import RequestError
from parrot.photo import images
from parrot.photo.headers import SUFFIXES
from parrot.photo.thumbnails import perceptual_hash

UNSORTED = "_unsorted-parrot"  # label of a photo that shows a parrot of an uncertain species
NOT_ALIVE = "not-alive"  # what labels of drawings, toys and statues stand for
LABELS = Path(__file__).with_name("labels.csv")
TAXONOMY_CSV = Path(__file__).with_name("taxonomy.csv")
_LAYOUT = (
    "photos belong in parrots/LABEL/, other_birds/LABEL/ and negatives/LABEL/, or are listed in an"
    " index.csv of path,group,label"
)
_UNKNOWN = ""  # cluster of a photo about whose near-duplicates nothing is said
_HASHED_SIDE = 128  # long side in pixels: enough for a hash of 64 slow waves


class Group(StrEnum):
    """What a photo shows."""

    PARROTS = "parrots"
    OTHER_BIRDS = "other_birds"
    NEGATIVES = "negatives"


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """One photo and what it shows.

    `taxon` is what the label stands for: an id of `taxonomy.csv`, or the label as an id where
    `labels.csv` does not list it. None if it is not a parrot, or its species is not known;
    NOT_ALIVE for the picture or figure of a bird.
    """

    path: Path
    group: Group
    label: str
    taxon: str | None
    cluster: str  # photos of one cluster are never split between training and test
    source: str  # empty if it is not known
    phone_like: bool = False  # small in the frame, behind bars, dim or cluttered

    @property
    def is_parrot(self) -> bool:
        """What the gate should answer."""
        return self.group is Group.PARROTS

    @property
    def is_alive(self) -> bool:
        """Whether it shows something other than the picture or figure of a bird."""
        return self.taxon != NOT_ALIVE

    def species(self, known: Container[str]) -> str | None:
        """Its species' id if that is one of these; a label that is an id itself comes first."""
        if not self.is_parrot:
            return None
        names = (self.label, class_id(self.label), self.taxon)
        return next((name for name in names if name and name in known), None)


class BadDataset(Exception):
    """The photos or their index cannot be used; the message names the line."""


def read(where: Path, say: Callable[[str], None] = lambda _text: None) -> list[LabelledPhoto]:
    """All labelled photos of a folder or a CSV, sorted by path. Raises BadDataset.

    Files that are not photos are left out, and `say` gets their names.
    """
    if where.is_file():
        photos = _listed(where, where.parent)
    elif (where / "index.csv").is_file():
        photos = _listed(where / "index.csv", where)
        _stay_inside(photos, where)
    elif where.is_dir():
        photos = _sorted_into_folders(where)
        _stay_inside(photos, where)
    else:
        raise BadDataset(f"{where} is neither a folder nor a CSV")
    if not photos:
        layout = "" if where.is_file() else f"; {_LAYOUT}"
        raise BadDataset(f"{where} contains no labelled photos{layout}")
    hashes, wrong = {}, []
    for path in (photo.path for photo in photos):
        try:
            hashes[path] = phash(path)
        except RequestError as error:
            wrong.append(f"{path}: {error.detail}")
        except OSError as error:
            wrong.append(str(error))
    if wrong:
        say("\n".join(["left out, because they cannot be read:", *wrong]))
    if not hashes:
        raise BadDataset(f"none of the {len(photos)} photos of {where} can be read")
    readable = [photo for photo in photos if photo.path in hashes]
    unknown = [photo.path for photo in readable if photo.cluster == _UNKNOWN]
    clusters = dict(zip(unknown, _clusters(unknown, hashes), strict=True))
    clustered = [
        replace(photo, cluster=clusters.get(photo.path, photo.cluster)) for photo in readable
    ]
    return sorted(clustered, key=lambda photo: str(photo.path))


def write(photos: Iterable[LabelledPhoto], index: Path) -> None:
    """A CSV of these photos that `read` understands, whatever folder it is in."""
    with index.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("path", "group", "label", "near_duplicates", "source", "phone_like"))
        for photo in photos:
            path, phone = photo.path.resolve(), "yes" if photo.phone_like else "no"
            row = (path, photo.group, photo.label, photo.cluster, photo.source, phone)
            table.writerow(row)


def _listed(index: Path, root: Path) -> list[LabelledPhoto]:
    photos, wrong = [], []
    table = csv.DictReader(io.StringIO(tables.utf8(index.read_bytes()).decode()))
    for number, line in enumerate(table, start=2):
        try:
            path, group = _existing(root, line["path"]), Group(line["group"])
            label, duplicates = line["label"], line.get("near_duplicates")
            cluster = str(path) if duplicates == "" else duplicates or _UNKNOWN
            source, phone = line.get("source") or "", line.get("phone_like") == "yes"
            taxon = _taxon(group, label)
            photos.append(LabelledPhoto(path, group, label, taxon, cluster, source, phone))
        except (KeyError, ValueError, TypeError, FileNotFoundError) as error:
            wrong.append(f"{index}, line {number}: {error}")
    if wrong:
        raise BadDataset("\n".join(wrong))
    return photos


def _existing(root: Path, name: str) -> Path:
    """The file, however its letters are composed and its folders divided."""
    for form in ("NFC", "NFD"):
        text = unicodedata.normalize(form, name)
        for spelling in (text, text.replace("\\", "/")):
            if (root / spelling).is_file():
                return root / spelling
    raise FileNotFoundError(f"{root / name} does not exist")


def _sorted_into_folders(root: Path) -> list[LabelledPhoto]:
    return [
        LabelledPhoto(path, group, label, _taxon(group, label), _UNKNOWN, source="")
        for group in Group
        for path in sorted((root / group).glob("*/*"))
        if path.suffix.lower() in SUFFIXES
        # macOS keeps a hidden `._1.jpg` beside each photo on a USB stick.
        and not (path.name.startswith(".") or path.parent.name.startswith("."))
        for label in [unicodedata.normalize("NFC", path.parent.name)]
    ]


def _stay_inside(photos: Sequence[LabelledPhoto], root: Path) -> None:
    """A folder from elsewhere must not bring in this machine's other files. Raises BadDataset."""
    for photo in photos:
        if not photo.path.resolve().is_relative_to(root.resolve()):
            raise BadDataset(f"{photo.path} is outside of {root}: copy the photo itself there")


def phash(path: Path) -> str:
    """The perceptual hash of a photo. Raises OSError, InvalidImage, UnsupportedMedia."""
    photo = images.read(path.read_bytes())
    return perceptual_hash(images.upright(photo, long_side=_HASHED_SIDE))


def _clusters(paths: Sequence[Path], hashes: Mapping[Path, str]) -> list[str]:
    """The cluster of each photo: the path of the first one that shows about the same picture.

    Every photo is compared with every other.
    """
    first = list(range(len(paths)))
    for number, path in enumerate(paths):
        for other in range(number):
            same = bits_apart(hashes[path], hashes[paths[other]]) <= SIMILAR_BITS
            if same and first[number] != first[other]:
                joined = first[number], first[other]
                first = [min(joined) if cluster in joined else cluster for cluster in first]
    return [str(paths[number]) for number in first]


def class_id(label: str) -> str:
    """A label as an id of `species.csv`, which has plain letters only: "My galah" is `my-galah`."""
    words = re.sub(r"[^\w.]+", "-", unicodedata.normalize("NFC", label).casefold()).strip("-._")
    return words if words.isascii() else f"xn--{words.encode('punycode').decode()}"


def _taxon(group: Group, label: str) -> str | None:
    name, by_label = class_id(label), taxa_by_label()
    if group is Group.PARROTS:
        return None if label == UNSORTED else by_label.get(name, name)
    return NOT_ALIVE if by_label.get(name) == NOT_ALIVE else None


@cache
def taxa_by_label() -> Mapping[str, str]:
    """What each label of `labels.csv`, and each name of `taxonomy.csv`, stands for."""
    with TAXONOMY_CSV.open(newline="", encoding="utf-8") as file:
        taxa = list(csv.DictReader(file))
    with LABELS.open(newline="", encoding="utf-8") as file:
        labels = {line["label"]: line["taxon"] for line in csv.DictReader(file)}
    return {class_id(line[name]): line["id"] for line in taxa for name in ("en", "ko")} | labels
