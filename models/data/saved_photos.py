"""Saved photos as a training set: those that may train and whose label is confirmed.

It is a folder of `GROUP/LABEL/*.webp` with an `index.csv` that `fit` reads: clean copies, whose
files have no metadata, named after their pixels. Photos of one user share a `near_duplicates`
value, so that they are never split between training and test. It is random in each export, so that
two exports cannot be matched by person. `bundle` and `model` name the model that judged the photo;
`label_map` is the sha256 of the species table that the labels refer to.
"""

from __future__ import annotations

import csv
import secrets
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from models.data import training_labels
from models.data.labelled_photos import Group
from models.data.training_labels import LeftOut
from parrot.consent import Training
from parrot.model.manifest import digest
from parrot.model.species import SpeciesTable
from parrot.records import NOT_A_PARROT, OTHER_PARROT, Reason
from parrot.store import update

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

    from parrot.observation import Observation
    from parrot.store import ObservationStore, PhotoStore

_COLUMNS = (
    *("path", "group", "label", "near_duplicates", "source"),  # what `fit` reads
    *("bundle", "model", "label_map"),
)


@dataclass(frozen=True, slots=True)
class Exported:
    """How many observations were written, and why the others were not."""

    written: int
    left_out: Counter[LeftOut]


def export(  # noqa: PLR0913 - the options of one command
    observations: ObservationStore,
    photos: PhotoStore,
    species_csv: bytes,
    folder: Path,
    *,
    bundle: str = "",
    training: Training = Training.ASK,
) -> Exported:
    """Write the training set; a second run fetches what is missing and removes what may not stay.

    Observations note the version of the `bundle` that will be fitted on them, if it has a name.
    Where the deployment's `training` is off, nothing is written, whatever people allowed before;
    else `training_labels` says which train, and as what. Raises BadBundle, StoreUnavailable.
    """
    labels = {row.id for row in SpeciesTable.parse(species_csv).rows} | {
        NOT_A_PARROT.id,
        OTHER_PARROT.id,
    }
    label_map = digest(species_csv)
    people: defaultdict[str, str] = defaultdict(lambda: secrets.token_hex(8))
    lines: dict[str, dict[str, str]] = {}  # by name of the file
    left_out = Counter[LeftOut]()
    for observation, chosen in training_labels.chosen(observations.everything(), labels):
        species = LeftOut.OFF if training is Training.OFF else chosen
        path = _fetch(observation, species, photos, folder)
        if isinstance(path, LeftOut) or path.name in lines:
            left_out[path if isinstance(path, LeftOut) else LeftOut.DUPLICATE] += 1
            continue
        if bundle and not _note(observations, observation, bundle):
            left_out[LeftOut.MISSING] += 1
            continue
        group, label, _ = path.relative_to(folder).parts
        verdict = observation.verdict
        lines[path.name] = {
            "path": path.relative_to(folder).as_posix(),
            "group": group,
            "label": label,
            "near_duplicates": people[observation.uid],
            "source": "saved",
            "bundle": verdict.bundle if verdict else "",
            "model": verdict.model if verdict else "",
            "label_map": label_map,
        }
    folder.mkdir(parents=True, exist_ok=True)
    _tidy(folder, {line["path"] for line in lines.values()})
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, _COLUMNS)
        table.writeheader()
        table.writerows(sorted(lines.values(), key=lambda line: line["path"]))
    return Exported(len(lines), left_out)


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

    def learn(current: Observation) -> Observation:
        if current.consent != observation.consent or bundle in current.learnt_by:
            return current
        return replace(current, learnt_by=(*current.learnt_by, bundle))

    noted = update(store, observation.uid, observation.id, learn)
    return noted is not None and noted.consent == observation.consent


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
