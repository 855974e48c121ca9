"""One photo's way into an export. Done twice, it changes nothing the second time."""

import hashlib
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from models.data.export_folder import ExportFolder
from models.patience import each
from parrot.observation import Observation
from parrot.store import ObservationStore, PhotoStore, update

AT_ONCE = 8  # photos that one machine copies: nearly all of that is waiting
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
        return Counter(each(lambda one: self.copy(one).value, leaving, at_once=AT_ONCE))

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


def note(store: ObservationStore, learners: Sequence[Observation], bundle: str) -> set[str]:
    """Note which bundle learnt from these; the people who removed or withdrew one of them since.

    All others are noted even then: a receipt may name a bundle too many, but not one too few.
    Raises StoreUnavailable.
    """
    noted = each(lambda row: _note(store, row, bundle), learners, at_once=AT_ONCE)
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
