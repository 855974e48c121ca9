"""A backfill classifies each stored photo once, whatever people do meanwhile."""

from __future__ import annotations

import base64
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from models.backfill.batches import Batched
from models.backfill.job import job
from models.backfill.price import price
from models.backfill.reclassify import Reclassified, Reclassifier
from parrot.config import Settings
from parrot.errors import InvalidImage, ModelUnavailable
from parrot.observation import Label, Observation, Status
from parrot.records import Classification, Prediction
from tests.support.observations import at, observation, verdict
from tests.support.photos import encoded, noise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from parrot.model.served_model import ServedModel
    from parrot.records import Floats, Photo

NOW = datetime(2026, 11, 24, tzinfo=UTC)
OLD = verdict(bundle="old", model="ParrotClassifier/1")
STORED = replace(
    observation(uid="ann"), labels=(), status=Status.READY, generation="7", verdict=OLD
)
PHOTO = encoded(noise(8, 8))


class Store:
    """One observation in a store; `before_write` is a concurrent change that comes first, once."""

    def __init__(self, stored: Observation | None) -> None:
        self.stored = stored
        self.writes = 0
        self.before_write: Callable[[Observation], Observation | None] | None = None

    def get(self, _uid: str, _id: str) -> Observation | None:
        return self.stored

    def replace(self, observation: Observation, _use: object = None) -> Observation | None:
        if self.before_write is not None and self.stored is not None:
            faster, self.before_write = self.before_write, None
            self.stored = faster(replace(self.stored, revision=self.stored.revision + 1))
        if self.stored is None or self.stored.revision != observation.revision:
            return None
        self.writes += 1
        self.stored = replace(observation, revision=observation.revision + 1)
        return self.stored


class Photos:
    """One generation of one photo."""

    def read_generation(self, _name: str, generation: int, *, most: int) -> bytes | None:  # noqa: ARG002 - small photos
        return PHOTO if generation == 7 else None


class Classifies:
    """The new bundle says that no photo shows a parrot."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def classify(self, photo: Photo) -> Classification:
        if self.error is not None:
            raise self.error
        return Classification(
            is_parrot=False,
            parrot_probability=0.2,
            species=(),
            probabilities=(),
            species_set=None,
            bundle="new",
            models=(("classifier", "ParrotClassifier/2"),),
            sha256=photo.sha256,
            width=8,
            height=8,
            embedded=at(30),
        )


def reclassifier(store: Store, error: Exception | None = None) -> Reclassifier:
    return Reclassifier(
        cast("Any", store),
        cast("Any", Photos()),
        cast("Any", Classifies(error)),
        bundle="new",
        max_bytes=10**6,
        now=lambda: NOW,
    )


def test_a_photo_is_judged_once() -> None:
    """A second run finds nothing to do, so a run that was killed can be repeated."""
    store = Store(STORED)
    assert reclassifier(store).reclassify("ann", "1") is Reclassified.RECLASSIFIED
    assert store.stored is not None
    assert store.stored.verdict is not None
    assert (store.stored.verdict.bundle, store.stored.revision) == ("new", 2)
    assert store.stored.embedded == at(30), "or it would never be found beside newer photos"
    assert reclassifier(store).reclassify("ann", "1") is Reclassified.NOT_WANTED
    assert store.writes == 1


@pytest.mark.parametrize(
    "stored",
    [
        replace(STORED, status=Status.PENDING, generation=None, verdict=None),
        replace(STORED, status=Status.REJECTED, verdict=None),
        replace(STORED, status=Status.DELETING),
        replace(STORED, verdict=replace(OLD, bundle="new")),
    ],
    ids=["pending", "rejected", "deleting", "judged"],
)
def test_what_is_not_for_a_backfill_is_left_alone(stored: Observation) -> None:
    """A pending photo will be judged by the bundle of its day."""
    store = Store(stored)
    assert reclassifier(store).reclassify("ann", "1") is Reclassified.NOT_WANTED
    assert store.stored == stored


def test_a_label_given_meanwhile_is_kept_and_compared_with_the_new_verdict() -> None:
    """People are faster than pipelines: their label stays, and the status is about both."""
    label = Label("ara-ararauna", 3, NOW)
    store = Store(STORED)
    store.before_write = lambda current: replace(current, labels=(label,))
    assert reclassifier(store).reclassify("ann", "1") is Reclassified.RECLASSIFIED
    assert store.stored is not None
    assert store.stored.labels == (label,)
    assert store.stored.status is Status.NEEDS_REVIEW
    assert store.stored.verdict is not None
    assert store.stored.verdict.bundle == "new"


def test_a_photo_that_was_overwritten_meanwhile_keeps_its_own_verdict() -> None:
    """The verdict would be about the old photo."""
    store = Store(STORED)
    store.before_write = lambda current: replace(current, generation="8")
    assert reclassifier(store).reclassify("ann", "1") is Reclassified.NOT_WANTED
    assert store.stored is not None
    assert store.stored.verdict == OLD


def test_a_deleted_photo_is_counted_as_gone() -> None:
    """Whether it went before, or while it was being judged."""
    assert reclassifier(Store(None)).reclassify("ann", "1") is Reclassified.GONE
    other = Store(replace(STORED, generation="8"))
    assert reclassifier(other).reclassify("ann", "1") is Reclassified.GONE
    store = Store(STORED)
    store.before_write = lambda _current: None
    assert reclassifier(store).reclassify("ann", "1") is Reclassified.GONE


def test_an_unreadable_photo_keeps_its_verdict_and_a_failing_server_ends_the_run() -> None:
    """The first will never be better; the second will, so nothing is written off."""
    store = Store(STORED)
    error = InvalidImage("broken")
    assert reclassifier(store, error).reclassify("ann", "1") is Reclassified.UNREADABLE
    with pytest.raises(ModelUnavailable):
        reclassifier(store, ModelUnavailable("away")).reclassify("ann", "1")
    assert store.stored == STORED


class NumberingServer:
    """Answers each payload with its own number, and remembers how many came together."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.lock = threading.Lock()

    def predict(self, _model: ServedModel, payloads: Sequence[bytes | Floats]) -> list[Prediction]:
        with self.lock:
            self.sizes.append(len(payloads))
        time.sleep(0.01)
        if b"bad" in payloads:
            raise ModelUnavailable("away")
        return [
            Prediction(np.array([float(payload)], np.float32), None, None, "M/1")
            for payload in payloads
        ]

    def version(self, _model: ServedModel) -> str:
        return "M/1"


def test_photos_that_are_judged_at_once_share_requests(model: ServedModel) -> None:
    """Each thread gets its own answer back."""
    server = NumberingServer()
    batched = Batched(cast("Any", server), size=8)

    def ask(number: int) -> float:
        features = batched.predict(model, [str(number).encode()])[0].features
        assert features is not None
        return float(features[0])

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(100))) == list(range(100))
    assert sum(server.sizes) == 100
    assert max(server.sizes) <= 8
    assert len(server.sizes) < 50


def test_a_failed_request_fails_every_photo_of_it(model: ServedModel) -> None:
    """Nobody waits forever, and the next request is a new one."""
    batched = Batched(cast("Any", NumberingServer()), size=2)
    with ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(batched.predict, model, [payload]) for payload in (b"1", b"bad")]
        for future in asked:
            with pytest.raises(ModelUnavailable):
                future.result(5)
    assert batched.predict(model, [b"3"])[0].model_version == "M/1"


@pytest.fixture
def model() -> ServedModel:
    """Any model."""
    from local.stack import DEFAULT_BUNDLE  # noqa: PLC0415 - only the file is read
    from parrot.model.manifest import MANIFEST, Manifest  # noqa: PLC0415

    return Manifest.parse((DEFAULT_BUNDLE / MANIFEST).read_bytes()).models[0]


def test_a_backfill_costs_what_its_photos_cost() -> None:
    """Looking is paid for too; this machine's work is free."""
    nothing = price(0, 1_000_000, dataflow=False)
    assert nothing["total"] == nothing["store"] > 0
    small, large = (price(count, count, dataflow=True) for count in (1_000, 10_000))
    assert large["total"] == pytest.approx(10 * small["total"])
    assert price(1_000, 1_000, dataflow=False)["workers"] == 0


@pytest.mark.parametrize("bundle", ["gs://m/bundles/2026-11-22", "models/default"])
def test_a_worker_has_the_limits_and_keys_of_the_operators_environment(
    bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What functions refuse, a backfill must not judge; nor by a bundle that they refuse."""
    monkeypatch.setenv("MAX_PHOTO_BYTES", "10")
    monkeypatch.setenv("MAX_PHOTO_PIXELS", "100")
    monkeypatch.setenv("MODEL_BUNDLE_PUBLIC_KEY", base64.b64encode(bytes(32)).decode())
    asked = job(
        "firestore:p/d",
        "b",
        bundle=bundle,
        sha256="a" * 64,
        model_server="https://models.example",
        batch=16,
        max_photos=None,
    )
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
        job(
            observations,
            "b",
            bundle=bundle,
            sha256=None,
            model_server="http://127.0.0.1:1",
            batch=1,
            max_photos=None,
        )
