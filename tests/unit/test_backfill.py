"""A backfill classifies each stored photo once, whatever people do meanwhile."""

import base64
import dataclasses
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import numpy as np
import pytest

from models.arrays import Floats
from models.backfill.batches import Batched
from models.backfill.job import Job, job
from models.backfill.price import price
from models.backfill.reclassify import Reclassified, Reclassifier
from parrot.classify import Classifier
from parrot.config import Settings
from parrot.errors import InvalidImage, ModelUnavailable
from parrot.model.served_model import ServedModel
from parrot.observation import Label, Observation, Status
from parrot.records import Classification, Photo, Prediction
from tests.support.observations import NOW, at
from tests.support.processing import OTHER, PHOTO, Counted, SameAnswer, Steps, World, uuid_of
from tests.support.scripted_model import MODEL


class NewBundle(SameAnswer):
    """Says that no photo shows a parrot."""

    def classify(self, photo: Photo) -> Classification:
        return dataclasses.replace(super().classify(photo), bundle="new", embedded=at(30))


def stored(world: World) -> Observation:
    """A photo without a label, once it has the verdict of the bundle of its day."""
    photo = world.save(PHOTO, labels=())
    world.processor().process(photo)
    return world.observation(photo)


def change(world: World, **changes: Any) -> Observation:
    (row,) = world.store.everything()
    changed = world.store.replace(dataclasses.replace(row, **changes))
    assert changed is not None
    return changed


def reclassify(
    world: World, steps: Steps | None = None, error: Exception | None = None
) -> Reclassified:
    """With something after step 3: the observation was read again, to be written."""
    steps = steps or Steps()
    judge = Reclassifier(
        Counted(world.store, steps),
        Counted(world.photos, steps),
        cast("Classifier", NewBundle(None, error)),
        bundle="new",
        max_bytes=10**6,
        now=lambda: NOW,
    )
    return judge.reclassify("ana", uuid_of(1))


def test_a_photo_is_judged_once(world: World) -> None:
    """A second run finds nothing to do, so a run that was killed can be repeated."""
    before = stored(world)
    assert reclassify(world) is Reclassified.RECLASSIFIED
    (after,) = world.store.everything()
    assert after.verdict is not None
    assert (after.verdict.bundle, after.revision) == ("new", before.revision + 1)
    assert after.embedded == at(30), "or it would never be found beside newer photos"
    assert reclassify(world) is Reclassified.NOT_WANTED
    assert list(world.store.everything()) == [after]


@pytest.mark.parametrize(
    "changes",
    [
        {"status": Status.PENDING, "generation": None, "verdict": None},
        {"status": Status.REJECTED, "verdict": None},
        {"status": Status.DELETING},
    ],
    ids=["pending", "rejected", "deleting"],
)
def test_what_is_not_for_a_backfill_is_left_alone(world: World, changes: dict[str, Any]) -> None:
    """A pending photo will be judged by the bundle of its day."""
    stored(world)
    left = change(world, **changes)
    assert reclassify(world) is Reclassified.NOT_WANTED
    assert list(world.store.everything()) == [left]


def test_a_label_given_meanwhile_is_kept_and_compared_with_the_new_verdict(world: World) -> None:
    """People are faster than pipelines: their label stays, and the status is about both."""
    stored(world)
    labels = (Label("ara-ararauna", 3, NOW),)
    steps = Steps(3, lambda: change(world, labels=labels))
    assert reclassify(world, steps) is Reclassified.RECLASSIFIED
    (after,) = world.store.everything()
    assert (after.labels, after.status) == (labels, Status.NEEDS_REVIEW)
    assert after.verdict is not None
    assert after.verdict.bundle == "new"


def test_a_photo_that_was_overwritten_meanwhile_keeps_its_own_verdict(world: World) -> None:
    """The verdict would be about the old photo."""
    before = stored(world)
    steps = Steps(3, lambda: change(world, generation="8"))
    assert reclassify(world, steps) is Reclassified.NOT_WANTED
    assert [row.verdict for row in world.store.everything()] == [before.verdict]


def test_a_deleted_photo_is_counted_as_gone(world: World) -> None:
    """Whether it went before, or while it was being judged."""
    assert reclassify(world) is Reclassified.GONE
    before = stored(world)
    steps = Steps(3, lambda: world.store.remove(before))
    assert reclassify(world, steps) is Reclassified.GONE
    world.upload(OTHER, stored(world).object_name)
    assert reclassify(world) is Reclassified.GONE


def test_an_unreadable_photo_keeps_its_verdict_and_a_failing_server_ends_the_run(
    world: World,
) -> None:
    """The first will never be better; the second will, so nothing is written off."""
    before = stored(world)
    assert reclassify(world, error=InvalidImage("broken")) is Reclassified.UNREADABLE
    with pytest.raises(ModelUnavailable):
        reclassify(world, error=ModelUnavailable("away"))
    assert list(world.store.everything()) == [before]


class NumberingServer:
    """Answers each payload with its own number, and remembers how many came together."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def predict(self, _model: ServedModel, payloads: Sequence[bytes | Floats]) -> list[Prediction]:
        self.sizes.append(len(payloads))
        time.sleep(0.01)
        if b"bad" in payloads:
            raise ModelUnavailable("away")
        return [
            Prediction(np.array([float(payload)], np.float32), None, None, "M/1")
            for payload in payloads
        ]


def test_photos_that_are_judged_at_once_share_requests() -> None:
    """Each thread gets its own answer back."""
    server = NumberingServer()
    batched = Batched(cast("Any", server), size=8)

    def ask(number: int) -> float:
        features = batched.predict(MODEL, [str(number).encode()])[0].features
        assert features is not None
        return float(features[0])

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(100))) == list(range(100))
    assert sum(server.sizes) == 100
    assert max(server.sizes) <= 8
    assert len(server.sizes) < 50


def test_a_failed_request_fails_every_photo_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits forever, and the next request is a new one."""
    batched = Batched(cast("Any", NumberingServer()), size=2)
    with monkeypatch.context() as patient, ThreadPoolExecutor(2) as threads:
        patient.setattr("models.backfill.batches._WAIT_SECONDS", 60)  # a busy machine is late
        asked = [threads.submit(batched.predict, MODEL, [payload]) for payload in (b"1", b"bad")]
        for future in asked:
            with pytest.raises(ModelUnavailable):
                future.result(5)
    assert batched.predict(MODEL, [b"3"])[0].model_version == "M/1"


def test_a_backfill_costs_what_its_photos_cost() -> None:
    """Looking is paid for too; this machine's work is free."""
    nothing = price(0, 1_000_000, dataflow=False)
    assert nothing["total"] == nothing["store"] > 0
    small, large = (price(count, count, dataflow=True) for count in (1_000, 10_000))
    assert large["total"] == pytest.approx(10 * small["total"])
    assert price(1_000, 1_000, dataflow=False)["workers"] == 0


def described(observations: str, bundle: str) -> Job:
    return job(
        observations,
        "b",
        bundle=bundle,
        sha256="a" * 64,
        model_server="https://models.example",
        batch=16,
        max_photos=None,
    )


@pytest.mark.parametrize("bundle", ["gs://m/bundles/2026-11-22", "models/default"])
def test_a_worker_has_the_limits_and_keys_of_the_operators_environment(
    bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What functions refuse, a backfill must not judge; nor by a bundle that they refuse."""
    monkeypatch.setenv("MAX_PHOTO_BYTES", "10")
    monkeypatch.setenv("MAX_PHOTO_PIXELS", "100")
    monkeypatch.setenv("MODEL_BUNDLE_PUBLIC_KEY", base64.b64encode(bytes(32)).decode())
    asked = described("firestore:p/d", bundle)
    settings = Settings.from_env(asked.environment)
    assert (settings.max_photo_bytes, settings.max_photo_pixels) == (10, 100)
    assert settings.bundle_keys == (bytes(32),)
    assert (settings.project, settings.firestore_database, settings.bucket) == ("p", "d", "b")
    assert settings.bundle_sha256 == "a" * 64
    if asked.folder is None:
        assert (settings.model_bucket, settings.bundle_version) == ("m", "2026-11-22")
    assert settings.model_auth == "id-token"


@pytest.mark.parametrize(
    ("observations", "bundle"), [("mysql:x", "b"), ("firestore:", "b"), ("sqlite:x", "gs://b")]
)
def test_a_store_or_bundle_that_is_not_named_in_full_is_refused(
    observations: str, bundle: str
) -> None:
    """Nothing is guessed: a bucket without a version could mean any bundle."""
    with pytest.raises(ValueError, match="is neither"):
        described(observations, bundle)
