"""Retraining: what people saved becomes a candidate, and nothing else does."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

import pytest
from PIL import Image

from models.data import saved_photos
from models.data.features import Extractor
from models.folders import DEFAULT_BUNDLE
from models.publishing import releases
from models.publishing.release_store import FolderStore
from models.training.retraining import Least, Order, Retrained, retrain
from parrot.adapters.sqlite import SqliteObservations
from parrot.consent import Consent
from parrot.observation import Derived, Label, Opinion, Status, derived_name
from parrot.records import NOT_A_PARROT
from tests.support.observations import NOW, observation, verdict
from tests.support.photos import named
from tests.support.processing import Counted, Killed, MemoryPhotos, Steps, die

if TYPE_CHECKING:
    from pathlib import Path

    from parrot.observation import Observation

KINDS = {
    "galah": "eolophus-roseicapilla",
    "sun-conure": "aratinga-solstitialis",
    "cockatiel": "nymphicus-hollandicus",
}
PEOPLE = [f"user-{number}" for number in range(20)]
LEARNERS = [uid for uid in PEOPLE if not saved_photos.examines(uid)][:3]
EXAMINERS = [uid for uid in PEOPLE if saved_photos.examines(uid)][:2]


@dataclass
class Deployment:
    """A store and a bucket with photos that people saved and reviewers settled."""

    store: SqliteObservations
    photos: MemoryPhotos
    saved: dict[str, list[Observation]]

    def save(self, uid: str, path: Path, species: str, text: str | None = None) -> None:
        mine = self.saved.setdefault(uid, [])
        base = observation(len(mine), uid)
        with Image.open(path) as image:
            out = io.BytesIO()
            image.convert("RGB").save(out, "WEBP")
        name = derived_name(uid, base.id, "image")
        self.photos.upload(name, out.getvalue())
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


@pytest.fixture
def deployment(tmp_path: Path, photos: Path) -> Deployment:
    """Three people to learn from, two for the exam, with three kinds and food each."""
    made = Deployment(SqliteObservations(tmp_path / "o.db"), MemoryPhotos(), {})
    people = [*LEARNERS, *EXAMINERS]
    for label, species in KINDS.items():
        for number, path in enumerate(named(photos / "parrots" / label, 10)):
            made.save(people[number % len(people)], path, species)
    for number, path in enumerate(named(photos / "negatives" / "food", 10)):
        made.save(people[number % len(people)], path, NOT_A_PARROT.id)
    return made


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features of photos that several tests look at."""
    return tmp_path_factory.mktemp("features") / "features.sqlite"


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


@pytest.fixture
def run(deployment: Deployment, tmp_path: Path, cache: Path) -> Run:
    order = Order(DEFAULT_BUNDLE, "next", "99", tmp_path / "work", least=Least(12, 8, 2))
    return Run(deployment, tmp_path, cache, order)


def learnt(run: Run, uid: str) -> list[tuple[str, ...]]:
    own = run.deployment.store.of(uid, limit=100)
    return [observation.learnt_by for observation in own]


def test_killed_at_any_point_it_goes_on_to_one_candidate(run: Run) -> None:
    """Export, notes and publishing are each interrupted; the exam's people never train."""
    total = Steps()
    done = run(total)
    assert done.accepted, done.worse
    assert run.published() == ["next"]
    manifest = (run.folder / "published" / "bundles" / "next" / "manifest.json").read_bytes()
    for name in ("open", "replace", "write"):
        run.folder = run.folder / name  # nothing is published here
        (run.folder / "published").mkdir(parents=True)
        with pytest.raises(Killed):
            run(Steps(total.names.index(name) + 2, die))
        run()
        assert run.published() == ["next"]
        again = run.folder / "published" / "bundles" / "next" / "manifest.json"
        assert again.read_bytes() == manifest
    assert {noted for uid in LEARNERS for noted in learnt(run, uid)} == {("next",)}
    assert {noted for uid in EXAMINERS for noted in learnt(run, uid)} == {()}
    card = (done.folder / "MODEL_CARD.md").read_text()
    assert "24 saved photos of 3 people" in card
    assert "16 photos of 2 people" in card
