"""A deployment whose photos are retrained on, and the retraining as the command does it."""

from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from PIL import Image

from models.data.features import Extractor
from models.publishing import releases
from models.publishing.release_store import FolderStore
from models.training.retraining import Order, Retrained, retrain
from parrot.adapters.sqlite import SqliteObservations
from parrot.consent import Consent
from parrot.observation import Derived, Label, Observation, Opinion, Status, derived_name
from tests.support.observations import NOW, observation, verdict
from tests.support.photos import encoded
from tests.support.processing import Counted, MemoryPhotos, Steps


@dataclass
class Deployment:
    """A store and a bucket with photos that people saved and reviewers settled."""

    store: SqliteObservations
    photos: MemoryPhotos
    saved: dict[str, list[Observation]]

    def save(self, uid: str, path: Path, species: str, text: str | None = None) -> None:
        mine = self.saved.setdefault(uid, [])
        base = observation(len(mine), uid)
        name = derived_name(uid, base.id, "image")
        self.photos.upload(name, _webp(path))
        settled = replace(
            base,
            status=Status.READY,
            labels=(Label(species, None, NOW, text),),
            verdict=verdict(),
            derived=Derived(name, name, 1, 1, "", sha256(path.read_bytes()).hexdigest()[:16]),
            opinions=(Opinion("reviewer", species, NOW),),
            consent=Consent(given=True, at=NOW),
        )
        assert self.store.create(settled)[1]
        mine.append(settled)


@cache
def _webp(path: Path) -> bytes:
    with Image.open(path) as image:
        return encoded(image.convert("RGB"), "WEBP")


@dataclass
class Run:
    """Retrains as the command does, and counts every outside call."""

    deployment: Deployment
    folder: Path
    cache: Path
    order: Order

    def published(self) -> list[str]:
        return [release.version for release in releases.published(self.store)]

    @property
    def store(self) -> FolderStore:
        return FolderStore(self.folder / "published")

    def __call__(self, steps: Steps | None = None, step: Any = print) -> Retrained:
        steps = steps or Steps()
        return retrain(
            self.order,
            Counted(self.deployment.store, steps),
            Counted(self.deployment.photos, steps),
            Extractor(self.cache),
            cast("FolderStore", Counted(self.store, steps)),
            progress=lambda _name, _total: lambda _count: None,
            step=step,
        )

    def learnt(self, uid: str) -> list[tuple[str, ...]]:
        """What each observation of a person says who learnt from it."""
        own = self.deployment.store.of(uid, limit=100)
        return [observation.learnt_by for observation in own]
