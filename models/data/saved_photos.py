"""Saved photos as a training set: those that may train and whose label is confirmed.

It is a folder of `GROUP/LABEL/*.webp` with an `index.csv` that `fit` reads: clean copies, whose
files have no metadata, named after their pixels. Photos of one user share a `near_duplicates`
value, so that they are never split between training and test. It is random in each export, so that
two exports cannot be matched by person. `bundle` and `model` name the model that judged the photo;
`label_map` is the sha256 of the species table that the labels refer to.

Every fifth person's photos are listed in `exam.csv` instead, for ever: no model is fitted on them,
so that each can be judged by people whom it never saw.
"""

from __future__ import annotations

import csv
import hashlib
import secrets
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TYPE_CHECKING

from models.data import training_labels, wanted
from models.data.labelled_photos import Group
from models.data.training_labels import LeftOut
from parrot.consent import Training
from parrot.model.manifest import digest
from parrot.model.species import SpeciesTable
from parrot.records import NOT_A_PARROT, OTHER_PARROT, Reason
from parrot.store import update

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence
    from pathlib import Path

    from models.data.wanted import Wanted
    from parrot.observation import Observation
    from parrot.store import ObservationStore, PhotoStore

INDEX, EXAM = "index.csv", "exam.csv"
_EXAM_SHARE = 5  # one in so many people
_COLUMNS = (
    *("path", "group", "label", "near_duplicates", "source"),  # what `fit` reads
    *("bundle", "model", "label_map"),
)


@dataclass(frozen=True, slots=True)
class Exported:
    """How many observations were written, and why the others were not."""

    written: int
    left_out: Counter[LeftOut]
    exam: int = 0  # of those written
    learners: tuple[Observation, ...] = ()  # the others of those written: they train
    wanted: tuple[Wanted, ...] = ()  # kinds without a class that they could have


def examines(uid: str) -> bool:
    """Whether a person's photos judge models and never train them: always the same people."""
    number = hashlib.sha256(f"exam\n{uid}".encode()).digest()[:8]
    return int.from_bytes(number, "big") % _EXAM_SHARE == 0


def export(  # noqa: PLR0913 - the options of one command
    observations: ObservationStore,
    photos: PhotoStore,
    species_csv: bytes,
    folder: Path,
    *,
    bundle: str = "",
    training: Training = Training.ASK,
    without: Container[str] = (),
) -> Exported:
    """Write the training set; a second run fetches what is missing and removes what may not stay.

    Observations that train note the version of the `bundle` that will be fitted on them, if it has
    a name. Where the deployment's `training` is off, nothing is written, whatever people allowed
    before; else `training_labels` says which train, and as what. People `without` are left out.
    Raises BadBundle, StoreUnavailable.
    """
    classes = {row.id for row in SpeciesTable.parse(species_csv).rows}
    labels = {*classes, NOT_A_PARROT.id, OTHER_PARROT.id}
    people: defaultdict[str, str] = defaultdict(lambda: secrets.token_hex(8))
    lines: dict[str, dict[str, str]] = {}  # by name of the file
    learners: dict[str, Observation] = {}  # the same, of those that train
    left_out = Counter[LeftOut]()
    everything = (replace(row, embedded=None) for row in observations.everything())  # for memory
    everybody = (row for row in everything if row.uid not in without)
    rows = training_labels.chosen(everybody, labels)
    for observation, chosen in rows:
        species = LeftOut.OFF if training is Training.OFF else chosen
        path = _fetch(observation, species, photos, folder)
        if isinstance(path, LeftOut) or path.name in lines:
            left_out[path if isinstance(path, LeftOut) else LeftOut.DUPLICATE] += 1
            continue
        if not examines(observation.uid):
            if bundle and not _note(observations, observation, bundle):
                left_out[LeftOut.MISSING] += 1
                continue
            learners[path.name] = observation
        place = path.relative_to(folder).as_posix()
        lines[path.name] = _line(observation, place, people[observation.uid], digest(species_csv))
    folder.mkdir(parents=True, exist_ok=True)
    _tidy(folder, {line["path"] for line in lines.values()})
    for name, part in ((INDEX, learners.keys()), (EXAM, lines.keys() - learners.keys())):
        _write(folder / name, sorted((lines[file] for file in part), key=itemgetter("path")))
    exam, off = len(lines) - len(learners), training is Training.OFF
    strangers = set[str]() if off else {OTHER_PARROT.id, LeftOut.UNLABELLED}
    others = (row for row, label in rows if label in strangers and not examines(row.uid))
    kinds = wanted.count(others, labels)
    return Exported(len(lines), left_out, exam, tuple(learners.values()), tuple(kinds))


def note(store: ObservationStore, learners: Iterable[Observation], bundle: str) -> set[str]:
    """Note which bundle learnt from these; the people who removed or withdrew one of them since.

    All others are noted even then: a receipt may name a bundle too many, but not one too few.
    """
    return {row.uid for row in learners if not _note(store, row, bundle)}


def _fetch(
    observation: Observation, species: str | LeftOut, photos: PhotoStore, folder: Path
) -> Path | LeftOut:
    """The clean copy's path in the folder."""
    if isinstance(species, LeftOut):
        return species
    content = photos.open(observation.derived.image) if observation.derived else None
    if content is None:
        return LeftOut.MISSING
    path = folder / _place(observation, species) / f"{content.tag}.webp"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(content.read(0, content.size))
        part.replace(path)
    return path


def _note(store: ObservationStore, observation: Observation, bundle: str) -> bool:
    """Whether it is still there, may still train, and says what learns from it."""

    def stays(current: Observation) -> bool:
        return current.processed and current.consent == observation.consent

    def learn(current: Observation) -> Observation:
        if not stays(current) or bundle in current.learnt_by:
            return current
        return replace(current, learnt_by=(*current.learnt_by, bundle))

    noted = update(store, observation.uid, observation.id, learn)
    return noted is not None and stays(noted)


def _line(observation: Observation, place: str, person: str, label_map: str) -> dict[str, str]:
    """By column; `place` is the path in the folder."""
    group, label, _ = place.split("/")
    verdict = observation.verdict
    return {
        "path": place,
        "group": group,
        "label": label,
        "near_duplicates": person,
        "source": "saved",
        "bundle": verdict.bundle if verdict else "",
        "model": verdict.model if verdict else "",
        "label_map": label_map,
    }


def _write(path: Path, lines: Sequence[Mapping[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, _COLUMNS)
        table.writeheader()
        table.writerows(lines)


def _place(observation: Observation, species: str) -> str:
    """GROUP/LABEL: what is not a parrot is another bird only where the model saw one."""
    if species != NOT_A_PARROT.id:
        return f"{Group.PARROTS}/{species}"
    bird = observation.verdict is not None and observation.verdict.reason is Reason.OTHER_BIRD
    return f"{Group.OTHER_BIRDS if bird else Group.NEGATIVES}/{species}"


def _tidy(folder: Path, kept: Container[str]) -> None:
    """Remove what an earlier run wrote and this one may not: it was deleted or renamed since."""
    for group in Group:
        for path in (folder / group).glob("*/*"):
            if (
                path.suffix in {".webp", ".part"}
                and path.relative_to(folder).as_posix() not in kept
            ):
                path.unlink()
