"""A deletion that is interrupted leaves nothing behind once it is repeated."""

import json
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from google.cloud.storage import Bucket

from local.stack import ROOT
from parrot.adapters.bucket import BucketPhotos
from parrot.adapters.firestore import FirestoreObservations
from parrot.errors import Conflict, NotFound
from parrot.observation import Observation, derived_name
from parrot.observations import Observations
from parrot.photo import images
from parrot.quota import Meter, User
from parrot.save import Saver
from parrot.store import ObservationStore, Quota
from tests.support.photos import DECODER, encoded, noise
from tests.support.processing import (
    KEA,
    NOW,
    Counted,
    Killed,
    MemoryPhotos,
    Steps,
    World,
    at_every_step,
    die,
)

Names = Callable[[str], list[str]]

PHOTO = images.read(encoded(noise(32, 24)))
ANA = User("ana")
MOST_STEPS = 20
LATER = NOW.replace(hour=13)


class StepByStep(BucketPhotos):
    """Removes derived files one at a time, as they are."""

    def __init__(self, bucket: Bucket, steps: Steps) -> None:
        super().__init__(bucket.client, bucket.name)
        self._steps = steps

    def delete(self, object_name: str, **options: Any) -> None:
        super().delete(object_name, **options)
        self._steps.taken("delete")


@pytest.fixture
def quiet(bucket: Bucket) -> Bucket:
    """A bucket without a trigger: the running stack has another store."""
    made: Bucket = bucket.client.create_bucket(f"quiet-{uuid.uuid4().hex}")
    return made


@pytest.fixture
def stored(quiet: Bucket) -> Callable[[str], list[str]]:
    """Names of its objects under a prefix."""
    return lambda prefix: [blob.name for blob in quiet.list_blobs(prefix=prefix)]


def saver(store: ObservationStore, photos: Any) -> Saver:
    return Saver(store, photos, DECODER, meter=Meter(lambda: store, Quota("saves", 0, 86400)))


def saved(store: ObservationStore, bucket: Bucket) -> Observation:
    """An observation with its photo and what was derived from it."""
    photos = BucketPhotos(bucket.client, bucket.name)
    observation = saver(store, photos).save(PHOTO, KEA, ANA).observation
    for file in ("image", "thumbnail"):
        photos.write_derived(derived_name(ANA.uid, observation.id, file), b"webp")
    return observation


def test_a_deletion_killed_after_any_step_is_finished_by_the_next(
    store: ObservationStore, quiet: Bucket, stored: Names
) -> None:
    """Nothing is left in bucket or store, and nobody sees it meanwhile."""
    killed_at = 0
    for at in range(1, MOST_STEPS):
        observation = saved(store, quiet)
        steps = Steps(at, die)
        # A kill after the first look, before the mark, is a deletion never begun.
        observations = Observations(Counted(store, steps), StepByStep(quiet, steps))
        try:
            observations.delete(ANA, observation.id)
        except Killed:
            killed_at = at
        after = Observations(store, BucketPhotos(quiet.client, quiet.name))
        if store.get(ANA.uid, observation.id) is not None:
            if at > 1:
                assert after.list(ANA, size=10)[0].observations == ()
                with pytest.raises(NotFound):
                    after.read(ANA, observation.id)
            after.delete(ANA, observation.id)
        assert store.get(ANA.uid, observation.id) is None
        assert stored(f"photos/{ANA.uid}/") == []
        assert stored(f"derived/{ANA.uid}/") == []
        if steps.count < at:
            break
    # get, mark, who names it, look back, original, two derived files, document.
    assert killed_at == 8


def test_a_save_in_the_middle_of_any_step_of_a_deletion_loses_nothing(
    store: ObservationStore, quiet: Bucket, stored: Names
) -> None:
    """Refused while it is being deleted, complete otherwise."""
    photos = BucketPhotos(quiet.client, quiet.name)
    refused = made = 0
    for at in range(1, MOST_STEPS):
        observation = saved(store, quiet)
        answers: list[object] = []

        def again(answers: list[object] = answers) -> None:
            try:
                answers.append(saver(store, photos).save(PHOTO, KEA, ANA).created)
            except Conflict as error:
                answers.append(error)

        steps = Steps(at, again)
        observations = Observations(Counted(store, steps), StepByStep(quiet, steps))
        observations.delete(ANA, observation.id)
        if not answers:
            break
        if isinstance(answers[0], Conflict):
            refused += 1
            assert "delete it again to finish, then save" in answers[0].detail
            assert stored(f"photos/{ANA.uid}/") == []
        elif answers[0]:
            made += 1
            assert stored(f"photos/{ANA.uid}/") == [observation.object_name]
            observations.delete(ANA, observation.id)
        assert store.get(ANA.uid, observation.id) is None
        assert stored(f"derived/{ANA.uid}/") == []
    assert (refused, made) == (6, 1)


@pytest.mark.parametrize("kind", ["new", "processed", "direct"])
def test_a_slow_deletion_takes_nothing_that_was_saved_after_another_one(
    tmp_path: Path, kind: str
) -> None:
    """At each step of the first: the phone's retry ends, and the same photo is saved again."""
    data, direct = PHOTO.data, kind == "direct"

    def story(world: World, steps: Steps) -> None:
        old = world.save(data) if not direct else world.upload(data, "photos/ana/x")
        world.processor().process(old)
        world.processor().process(world.save(data, 2))  # a twin, which names it
        kept: list[object] = []

        def meanwhile() -> None:
            if world.store.get("ana", old.id) is not None:  # otherwise the slow one did all of it
                world.observations().delete(ANA, old.id)
            if direct:
                new = world.upload(data, old.name, created=LATER)
            else:
                new = world.save(data, created=LATER)
            if kind != "new":
                world.processor().process(new)
            kept.append((world.observation(new), dict(world.photos.objects)))

        steps.then = meanwhile
        world.observations(steps).delete(ANA, old.id)
        if steps.at:
            assert kept == [(world.observation(old), world.photos.objects)], steps.at
        else:
            assert world.store.get("ana", old.id) is None
            assert old.name not in world.files()
            assert steps.count > 10

    at_every_step(tmp_path, story)


def test_a_deletion_in_the_middle_of_any_step_of_a_save_leaves_no_half(
    store: ObservationStore, quiet: Bucket, stored: Names
) -> None:
    """Afterwards there are a document and its photo, or neither."""
    photos = BucketPhotos(quiet.client, quiet.name)
    for at in range(1, MOST_STEPS):
        ids: list[str] = []

        def delete(ids: list[str] = ids) -> None:
            for observation in store.page(ANA.uid, size=10).observations:
                ids.append(observation.id)
                Observations(store, photos).delete(ANA, observation.id)

        steps = Steps(at, delete)
        there = saver(Counted(store, steps), Counted(photos, steps)).save(PHOTO, KEA, ANA)
        left = store.page(ANA.uid, size=10).observations
        assert stored(f"photos/{ANA.uid}/") == [observation.object_name for observation in left]
        for observation in left:
            Observations(store, photos).delete(ANA, observation.id)
        if steps.count < at:
            assert not ids
            assert there.created
            return
    raise AssertionError("the save never ended")


def test_what_a_person_leaves_behind_is_two_kinds_of_documents_that_expire(
    store: ObservationStore,
) -> None:
    """docs/operations.md lists them: counts, and hashes of keys."""
    photos = MemoryPhotos()
    meter = Meter(lambda: store, Quota("saves", 10, 86400))
    saved = Saver(store, photos, DECODER, meter=meter).save(PHOTO, KEA, ANA, key="k-1")
    photos.write_derived(derived_name(ANA.uid, saved.observation.id, "image"), b"webp")
    Observations(store, photos).delete(ANA, saved.observation.id)
    assert photos.objects == {}
    left = _left(store)
    assert left.keys() == {"quotas", "keys"}
    assert left["quotas"] <= {"uid", "name", "window", "used", "expires"}
    assert left["keys"] <= {"uid", "key", "observation", "expires"}
    overrides = json.loads((ROOT / "firestore.indexes.json").read_text())["fieldOverrides"]
    expiring = {(each["collectionGroup"], each["fieldPath"]) for each in overrides if "ttl" in each}
    assert expiring == {(kind, "expires") for kind in ("quotas", "keys", "erasures")}


def _left(store: ObservationStore) -> dict[str, set[str]]:
    """The names of the fields of all that is stored about a ANA, by table or collection."""
    if isinstance(store, FirestoreObservations):
        person = vars(store)["_client"].collection("users").document(ANA.uid)
        return {
            each.id: set(row.to_dict()) for each in person.collections() for row in each.stream()
        }
    with vars(store)["_file"].connection() as db, closing(db.cursor()) as cursor:
        cursor.row_factory = sqlite3.Row
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        rows = {
            table: cursor.execute(f"SELECT * FROM {table} WHERE uid = ?", (ANA.uid,)).fetchone()  # noqa: S608
            for table in tables
        }
        return {table: set(row.keys()) for table, row in rows.items() if row is not None}
