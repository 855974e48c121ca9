"""Saved photos as a training set: those that may train and whose label is confirmed.

It is a folder of `GROUP/LABEL/*.webp` with an `index.csv` that `fit` reads: clean copies, whose
files have no metadata. Photos of one user share a `near_duplicates`
value, so that they are never split between training and test. It is random in each export, so that
two exports cannot be matched by person. `bundle` and `model` name the model that judged the photo;
`label_map` is the sha256 of the species table that the labels refer to.

Every fifth person's photos are listed in `exam.csv` instead, for ever: no model is fitted on them,
so that each can be judged by people whom it never saw.
"""

import hashlib
import secrets
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from models.data import tables, training_labels, wanted
from models.data.export_folder import ExportFolder
from models.data.labelled_photos import Group
from models.data.training_labels import LeftOut
from models.data.wanted import Wanted
from models.patience import each
from parrot.consent import Training
from parrot.model.manifest import digest
from parrot.model.species import SpeciesTable
from parrot.observation import Observation
from parrot.records import NOT_A_PARROT, OTHER_PARROT, Reason
from parrot.store import ObservationStore, PhotoStore, update

INDEX, EXAM = "index.csv", "exam.csv"
_COLUMNS = (
    *("path", "group", "label", "near_duplicates", "source"),  # what `fit` reads
    *("bundle", "model", "label_map"),
)
_AT_ONCE = 8  # photos that one machine copies: nearly all of that is waiting
_EXAM_SHARE = 5  # one in so many people


def examines(uid: str) -> bool:
    """Whether a person's photos judge models and never train them: always the same people."""
    number = hashlib.sha256(f"exam\n{uid}".encode()).digest()[:8]
    return int.from_bytes(number, "big") % _EXAM_SHARE == 0


@dataclass(frozen=True, slots=True)
class Leaving:
    """An observation that may leave, and what it leaves as."""

    observation: Observation
    folder: str  # GROUP/LABEL

    @property
    def path(self) -> str:
        """In the export. The name is of this photo, and tells neither the person nor the id."""
        row = self.observation
        name = hashlib.sha256(f"export\n{row.object_name}\n{row.generation}".encode()).hexdigest()
        return f"{self.folder}/{name[:32]}.webp"


class Copied(StrEnum):
    """What became of it."""

    COPIED = "copied"
    THERE = "copied before"
    GONE = "removed or taken back meanwhile"


@dataclass(frozen=True, slots=True)
class Copier:
    """Copies clean copies, and notes which bundle learns from them, if it has a name."""

    store: ObservationStore
    photos: PhotoStore
    folder: ExportFolder
    bundle: str
    there: Container[str]  # names of photos that were copied before

    def share(self, leaving: Iterable[Leaving]) -> Counter[str]:
        """How many had which outcome, several at once. Raises OSError, StoreUnavailable."""
        return Counter(each(lambda one: self.copy(one).value, leaving, at_once=_AT_ONCE))

    def copy(self, one: Leaving) -> Copied:
        """Copy one photo; what may no longer leave by then is not there afterwards.

        Raises OSError, StoreUnavailable, also if it is removed while it is read: then again.
        """
        row, path, done = one.observation, one.path, Copied.THERE
        if path not in self.there:
            content = self.photos.open(row.derived.image) if row.derived else None
            if content is None:
                return Copied.GONE
            self.folder.write(path, content.read(0, content.size))
            done = Copied.COPIED
        if not _note(self.store, row, "" if examines(row.uid) else self.bundle):
            self.folder.remove(path)
            return Copied.GONE
        return done


@dataclass(frozen=True, slots=True)
class Decision:
    """Which observations may leave, and why the others may not."""

    leaving: Sequence[Leaving]
    left_out: Counter[LeftOut]
    wanted: tuple[Wanted, ...]  # kinds without a class that they could have


@dataclass(frozen=True, slots=True)
class Exported:
    """How many observations were written, and why the others were not."""

    written: int
    left_out: Counter[LeftOut]
    exam: int = 0  # of those written
    learners: tuple[Observation, ...] = ()  # the others of those written: they train
    wanted: tuple[Wanted, ...] = ()


def export(  # noqa: PLR0913 - the options of one command
    observations: ObservationStore,
    photos: PhotoStore,
    species_csv: bytes,
    folder: ExportFolder,
    *,
    bundle: str = "",
    training: Training = Training.ASK,
    without: Container[str] = (),
) -> Exported:
    """Write the training set; a second run fetches what is missing and removes what may not stay.

    Observations that train note the version of the `bundle` that will be fitted on them, if it has
    a name. Raises BadBundle, OSError, StoreUnavailable.
    """
    decision = decide(observations, species_csv, training=training, without=without)
    Copier(observations, photos, folder, bundle, folder.photos()).share(decision.leaving)
    return finish(decision, folder, species_csv)


def decide(
    observations: ObservationStore,
    species_csv: bytes,
    *,
    training: Training,
    without: Container[str] = (),
) -> Decision:
    """`training_labels` says which leave and as what; people `without` are left out.

    Where the deployment's `training` is off, none does, whatever people allowed before. What is
    decided of one depends on all of them. Raises BadBundle, StoreUnavailable.
    """
    classes = {row.id for row in SpeciesTable.parse(species_csv).rows}
    labels = {*classes, NOT_A_PARROT.id, OTHER_PARROT.id}
    everything = (replace(row, embedded=None) for row in observations.everything())  # for memory
    everybody = (row for row in everything if row.uid not in without)
    rows = training_labels.chosen(everybody, labels)
    if training is Training.OFF:
        return Decision((), Counter({LeftOut.OFF: len(rows)}), ())
    strangers = {OTHER_PARROT.id, LeftOut.UNLABELLED}
    others = (row for row, label in rows if label in strangers and not examines(row.uid))
    return Decision(
        [Leaving(row, _place(row, as_)) for row, as_ in rows if not isinstance(as_, LeftOut)],
        Counter(label for _, label in rows if isinstance(label, LeftOut)),
        tuple(wanted.count(others, labels)),
    )


def finish(
    decision: Decision, folder: ExportFolder, species_csv: bytes, *, learnt_by: str = ""
) -> Exported:
    """List what was copied of them, and remove everything else.

    With `learnt_by` what trains is listed only if it says so. Raises OSError, StoreUnavailable.
    """
    names, people = folder.photos(), defaultdict[str, str](lambda: secrets.token_hex(8))
    trains, judges = [], []
    for one in decision.leaving:
        row = one.observation
        if one.path in names and examines(row.uid):
            judges.append(one)
        elif one.path in names and (not learnt_by or learnt_by in row.learnt_by):
            trains.append(one)
    for name in names - {one.path for one in (*trains, *judges)}:
        folder.remove(name)
    label_map = digest(species_csv)
    for name, part in ((INDEX, trains), (EXAM, judges)):
        lines = (_line(one, people[one.observation.uid], label_map) for one in part)
        folder.write(name, tables.written([_COLUMNS, *sorted(lines)]))
    written = len(trains) + len(judges)
    left_out = decision.left_out + Counter({LeftOut.MISSING: len(decision.leaving) - written})
    learners = tuple(one.observation for one in trains)
    return Exported(written, left_out, len(judges), learners, decision.wanted)


def note(store: ObservationStore, learners: Sequence[Observation], bundle: str) -> set[str]:
    """Note which bundle learnt from these; the people who removed or withdrew one of them since.

    All others are noted even then: a receipt may name a bundle too many, but not one too few.
    Raises StoreUnavailable.
    """
    noted = each(lambda row: _note(store, row, bundle), learners, at_once=_AT_ONCE)
    return {row.uid for row, stays in zip(learners, noted, strict=True) if not stays}


def _note(store: ObservationStore, observation: Observation, bundle: str) -> bool:
    """Whether it is still there, may still train, and says what learns from it, if that has a name.

    The photo is still the one whose label was confirmed.
    """

    def stays(current: Observation) -> bool:
        same = current.generation == observation.generation
        return same and current.processed and current.consent == observation.consent

    def learn(current: Observation) -> Observation:
        if not bundle or not stays(current) or bundle in current.learnt_by:
            return current
        return replace(current, learnt_by=(*current.learnt_by, bundle))

    noted = update(store, observation.uid, observation.id, learn)
    return noted is not None and stays(noted)


def _line(one: Leaving, person: str, label_map: str) -> tuple[str, ...]:
    """By _COLUMNS."""
    verdict = one.observation.verdict
    judged = (verdict.bundle, verdict.model) if verdict else ("", "")
    return (one.path, *one.folder.split("/"), person, "saved", *judged, label_map)


def _place(observation: Observation, species: str) -> str:
    """GROUP/LABEL: what is not a parrot is another bird only where the model saw one."""
    if species != NOT_A_PARROT.id:
        return f"{Group.PARROTS}/{species}"
    bird = observation.verdict is not None and observation.verdict.reason is Reason.OTHER_BIRD
    return f"{Group.OTHER_BIRDS if bird else Group.NEGATIVES}/{species}"
