"""A bucket in memory, a model that always answers the same, and interruptions at any step."""

import dataclasses
import hashlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, cast

from parrot import progress
from parrot.adapters.sqlite import SqliteObservations
from parrot.classify import Classifier
from parrot.config import MAX_PHOTO_BYTES
from parrot.consent import Training
from parrot.events import stored_photo
from parrot.observation import Label, Observation, StoredPhoto, derived_folder, photo_name
from parrot.observations import Observations
from parrot.photo import images
from parrot.photo.decoder import Decoder
from parrot.process import Processor
from parrot.quota import CpuSeconds, Meter
from parrot.records import Classification, Photo, SpeciesScore, SpeciesSet
from parrot.save import Saver
from parrot.store import OpenObject, Quota, StoredObject
from parrot.sweep import Sweeper
from tests.support.default_bundle import SPECIES
from tests.support.events import event
from tests.support.observations import observation
from tests.support.photos import DECODER, encoded, noise

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BUCKET = "b"
MOST_ATTEMPTS = 3
KEA = SPECIES.find(species="nestor-notabilis")
PHOTO, OTHER = encoded(noise(80, 60, seed=1)), encoded(noise(seed=2))
GALAH = next(row for row in SPECIES.rows if row.english == "Galah")


class MemoryPhotos:
    """Behaves like Cloud Storage with respect to generations."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[int, bytes]] = {}
        self.stated: dict[str, dict[str, Any]] = {}  # metadata that uploaders set on their objects
        self._generations = itertools.count(1795399912250572)

    def upload(self, name: str, data: bytes) -> int:
        self.objects[name] = (next(self._generations), data)
        return self.objects[name][0]

    def put(self, object_name: str, photo: Photo, *, replacing: int = 0) -> int | None:
        live = self.generation(object_name) or 0
        return self.upload(object_name, photo.data) if live == replacing else None

    def describe(self, object_name: str) -> StoredObject | None:
        if object_name not in self.objects:
            return None
        generation, data = self.objects[object_name]
        facts = StoredObject(generation, len(data), "image/jpeg", "", NOW)
        return dataclasses.replace(facts, **self.stated.get(object_name, {}))

    def open(self, object_name: str) -> OpenObject | None:
        if object_name not in self.objects:
            return None
        data = self.objects[object_name][1]
        tag = hashlib.sha256(data).hexdigest()[:32]
        return OpenObject(len(data), tag, lambda first, end: data[first:end])

    def read_generation(self, object_name: str, generation: int, *, most: int) -> bytes | None:
        if self.generation(object_name) != generation:
            return None
        assert len(self.objects[object_name][1]) <= most
        return self.objects[object_name][1]

    def generation(self, object_name: str) -> int | None:
        return self.objects[object_name][0] if object_name in self.objects else None

    def write_derived(self, object_name: str, data: bytes) -> None:
        self.upload(object_name, data)

    def list_derived(self, uid: str, observation_id: str) -> dict[str, int]:
        prefix = derived_folder(uid, observation_id)
        return {name: stored[0] for name, stored in self.objects.items() if name.startswith(prefix)}

    def list_all(self, uid: str) -> dict[str, int]:
        own = (f"photos/{uid}/", f"derived/{uid}/")
        return {name: stored[0] for name, stored in self.objects.items() if name.startswith(own)}

    def delete(self, object_name: str, *, generation: int | None = None) -> None:
        if generation is None or self.generation(object_name) == generation:
            self.objects.pop(object_name, None)


@dataclass
class SameAnswer:
    """Gives the same answer for every readable photo, or raises `error`."""

    species: str | None = KEA.id
    error: Exception | None = None

    def classify(self, photo: Photo) -> Classification:
        if self.error is not None:
            raise self.error
        width, height = images.measure(photo)
        best = () if self.species is None else (SPECIES.find(species=self.species),)
        return Classification(
            is_parrot=self.species is not None,
            parrot_probability=0.9 if self.species else 0.1,
            species=tuple(SpeciesScore(species, 0.8) for species in best),
            probabilities=(),
            species_set=SpeciesSet(0.95, best) if best else None,
            bundle="2026-11-22",
            models=(("classifier", "ParrotClassifier/1"),),
            sha256=photo.sha256,
            width=width,
            height=height,
        )


@dataclass
class Steps:
    """Records every outside call; after call number `at`, `then` runs once."""

    at: int = 0
    then: Callable[[], object] = lambda: None
    names: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)  # an export's calls come from several threads

    @property
    def count(self) -> int:
        return len(self.names)

    def taken(self, name: str) -> None:
        with self.lock:
            self.names.append(name)
            last = self.count == self.at
        if last:
            self.then()


class Counted:
    """Passes every call on to `inner`, and records it in `steps` once it has returned."""

    def __init__(self, inner: object, steps: Steps) -> None:
        self._inner, self._steps = inner, steps

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        def call(*arguments: Any, **options: Any) -> Any:
            result = method(*arguments, **options)
            self._steps.taken(name)
            return result

        return call


class Killed(BaseException):
    """The instance is gone; our code cannot catch that."""


def die() -> None:
    raise Killed


@dataclass
class World:
    """A store, a bucket and the process function between them."""

    folder: Path
    photos: MemoryPhotos = field(default_factory=MemoryPhotos)
    model: SameAnswer = field(default_factory=SameAnswer)
    quota: int = 0
    training: Training = Training.ASK
    now: datetime = NOW
    cpu_seconds: CpuSeconds = field(default_factory=lambda: CpuSeconds(0))

    def __post_init__(self) -> None:
        self.store = SqliteObservations(self.folder / "observations.db")

    def processor(self, steps: Steps | None = None) -> Processor:
        steps = steps or Steps()
        return Processor(
            Counted(self.store, steps),
            Counted(self.photos, steps),
            cast("Classifier", Counted(self.model, steps)),
            partial(progress.adopted, species=SPECIES, training=self.training),
            DECODER,
            meter=self.meter(),
            cpu_seconds=self.cpu_seconds,
            bucket=BUCKET,
            max_bytes=MAX_PHOTO_BYTES,
            max_attempts=MOST_ATTEMPTS,
            now=lambda: self.now,
        )

    def observations(self, steps: Steps | None = None) -> Observations:
        steps = steps or Steps()
        store, photos = Counted(self.store, steps), Counted(self.photos, steps)
        return Observations(store, photos, training=self.training, now=lambda: self.now)

    def saver(self, steps: Steps | None = None) -> Saver:
        steps = steps or Steps()
        store, photos = Counted(self.store, steps), Counted(self.photos, steps)
        return Saver(
            store,
            photos,
            cast("Decoder", Counted(DECODER, steps)),
            meter=self.meter(),
            training=self.training,
            now=lambda: self.now,
        )

    def sweeper(self, steps: Steps | None = None, **limits: Any) -> Sweeper:
        steps = steps or Steps()
        store, photos = Counted(self.store, steps), Counted(self.photos, steps)
        work = self.processor(steps), self.observations(steps)
        return Sweeper(store, photos, *work, bucket=BUCKET, now=lambda: self.now, **limits)

    def meter(self) -> Meter:
        return Meter(lambda: self.store, Quota("saves", self.quota, 86400), NOW.timestamp)

    def save(self, data: bytes, name: int = 1, *, uid: str = "ana", **changes: Any) -> StoredPhoto:
        """What `save` does: the observation, then its photo. Returns the event that follows."""
        wanted = dataclasses.replace(
            observation(uid=uid),
            id=uuid_of(name),
            object_name=photo_name(uid, uuid_of(name)),
            labels=(Label(KEA.id, KEA.index, NOW),),
            created=NOW.replace(minute=name),
            updated=NOW,
        )
        self.store.create(dataclasses.replace(wanted, **changes))
        return self.upload(data, wanted.object_name)

    def upload(self, data: bytes, name: str, **stated: Any) -> StoredPhoto:
        """What the Firebase SDK does. The event that follows."""
        self.photos.stated[name] = stated
        self.photos.upload(name, data)
        return self.upload_event(name)

    def upload_event(self, name: str) -> StoredPhoto:
        """The event that follows the last upload of an object."""
        generation = self.photos.generation(name)
        stored = stored_photo(event(name=name, bucket=BUCKET, generation=generation))
        assert stored is not None
        return stored

    def observation(self, stored: StoredPhoto | Observation) -> Observation:
        """As it is now."""
        observation = self.store.get(stored.uid, stored.id)
        assert observation is not None
        return observation

    def files(self) -> list[str]:
        return sorted(self.photos.objects)


def uuid_of(number: int) -> str:
    return f"00000000-0000-5000-8000-{number:012}"


def at_every_step(folder: Path, story: Callable[[World, Steps], None], **options: Any) -> None:
    """Tell a story undisturbed, then in a new world for each of its steps, whose `then` it sets."""

    def told(at: int) -> int:
        place = folder / str(at)
        place.mkdir(parents=True)
        steps = Steps(at)
        story(World(place, **options), steps)
        return steps.count

    for at in range(1, told(0) + 1):
        told(at)
