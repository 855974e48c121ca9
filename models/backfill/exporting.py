"""An export as plain data that travels to workers, and opened on one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from models.data import export_folder, saved_photos, stores
from models.data.export_folder import ExportFolder
from models.data.saved_photos import Copier, Decision, Exported, Leaving
from parrot.consent import Training


@dataclass(frozen=True, slots=True)
class ExportJob:
    """What to export, and to where."""

    observations: str  # as the command line names it
    bucket: str
    species_csv: bytes
    out: str
    bundle: str
    training: Training
    batch: int = 64

    def find(self) -> Sequence[Leaving]:
        """Decided at once, in one place: it depends on everybody. Raises StoreUnavailable."""
        return self._decided().leaving

    @contextmanager
    def open(self) -> Iterator[Callable[[Sequence[Leaving]], Counter[str]]]:
        """On a worker. Raises ValueError, FileNotFoundError, StoreUnavailable."""
        store, folder = stores.observations(self.observations), self.folder()
        photos = stores.photos(self.observations, self.bucket)
        yield Copier(store, photos, folder, self.bundle, folder.photos()).share

    def folder(self) -> ExportFolder:
        """Where it is written. Raises ValueError."""
        client = lambda: stores.storage(self.observations)  # noqa: E731
        return export_folder.opened(self.out, client, not_in=self.bucket)

    def finish(self) -> Exported:
        """List what was copied: decided again, since people went on meanwhile.

        What may leave by now, and was neither copied nor noted, waits for the next run. Raises
        BadBundle, StoreUnavailable.
        """
        decision = self._decided()
        return saved_photos.finish(decision, self.folder(), self.species_csv, learnt_by=self.bundle)

    def _decided(self) -> Decision:
        store = stores.observations(self.observations)
        return saved_photos.decide(store, self.species_csv, training=self.training)
