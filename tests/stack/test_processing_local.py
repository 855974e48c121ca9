"""From the phone's save to the finished observation, through every part of the local stack."""

from __future__ import annotations

import base64
import gzip
import random
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests
from cloudevents.conversion import to_structured
from cloudevents.http import CloudEvent
from PIL import Image

from local import events, stack
from local.events import Delivery
from parrot.adapters.sqlite import SqliteObservations
from parrot.events import SWEEP
from parrot.observation import Status, photo_name
from tests.support.observations import observation
from tests.support.photos import encoded, first, noise
from tests.support.webp import assert_silent_file

if TYPE_CHECKING:
    from pathlib import Path

    from google.cloud.storage import Bucket

PATIENCE_SECONDS = 60
FINISHED = {"ready", "needs_review"}


def headers(user: str) -> dict[str, str]:
    return {"Authorization": f"Bearer local:{user}"}


def save(url: str, data: bytes, user: str, species: str = "nestor-notabilis") -> dict[str, Any]:
    response = requests.post(
        f"{url}/parrot-classifier/save",
        files={"image": data},
        data={"species": species},
        headers=headers(user),
        timeout=60,
    )
    assert response.status_code == 201, response.text
    body: dict[str, Any] = response.json()
    return body


def walk(url: str, user: str) -> list[dict[str, Any]]:
    """All of a user's observations, page by page."""
    listed: list[dict[str, Any]] = []
    query: dict[str, str] = {"page_size": "50"}
    while True:
        body = requests.get(
            f"{url}/parrot-classifier/observations", query, headers=headers(user), timeout=60
        ).json()
        listed += body["observations"]
        if "next_page_token" not in body:
            return listed
        query["page_token"] = body["next_page_token"]


def settled(url: str, user: str, count: int = 1) -> list[dict[str, Any]]:
    """The user's observations, as soon as there are so many and none is pending."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        listed = walk(url, user)
        if len(listed) >= count and all(item["status"] != "pending" for item in listed):
            return listed
        time.sleep(0.1)
    raise AssertionError(f"still not processed: {listed}")


def local_bucket(running: stack.Running) -> Bucket:
    (url,) = [url for name, url, _ in running.parts if name == "storage"]
    return stack.storage_client(url).bucket(stack.BUCKET)


def test_a_saved_photo_is_ready_within_seconds(running_url: str, photos: Path) -> None:
    """A phone shows the thumbnail as soon as it is there."""
    data = first(photos / "parrots" / "kea")[0].read_bytes()
    started = time.monotonic()
    saved = save(running_url, data, "process-ada")
    (done,) = settled(running_url, "process-ada")
    assert time.monotonic() - started < 10
    assert done["id"] == saved["id"]
    assert done["status"] == "ready"
    for file, long_side in (("image", 1024), ("thumbnail", 256)):
        answer = requests.get(done["files"][file], timeout=30)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/webp")
        assert max(assert_silent_file(answer.content)) <= long_side


def test_a_photo_that_is_deleted_in_the_bucket_takes_its_observation_along(
    running_url: str, bucket: Bucket
) -> None:
    """An operator removes it in the console; its copies and its label go too."""
    saved = save(running_url, encoded(noise(90, 70, seed=77)), "process-gone")
    settled(running_url, "process-gone")
    (original,) = bucket.list_blobs(prefix="photos/process-gone/")
    original.delete()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while walk(running_url, "process-gone") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert walk(running_url, "process-gone") == []
    assert not list(bucket.list_blobs(prefix="derived/process-gone/")), saved["id"]


def test_a_photo_with_gps_leaves_no_trace_in_what_is_derived(
    running_url: str, bucket: Bucket, odd: Path
) -> None:
    """A thumbnail must not reveal where a person lives."""
    gps = sorted((odd / "derived-parrot").glob("*gps*.jpg"))
    assert len(gps) == 2
    sideways = {}
    for path in gps:
        data = path.read_bytes()
        assert b"Exif" in data
        with Image.open(path) as image:
            sideways[save(running_url, data, "process-gps")["id"]] = image.height / image.width
    for done in settled(running_url, "process-gps", len(gps)):
        assert done["status"] in FINISHED
        derived = list(bucket.list_blobs(prefix=f"derived/process-gps/{done['id']}/"))
        assert len(derived) == 2
        for blob in derived:
            width, height = assert_silent_file(blob.download_as_bytes())
            assert width / height == pytest.approx(sideways[done["id"]], rel=0.01)  # upright
            assert not blob.metadata


def test_a_direct_upload_becomes_an_observation(running_url: str, bucket: Bucket) -> None:
    """The Firebase SDK uploads past the functions."""
    blob = bucket.blob("photos/process-sdk/my bird \N{PARROT}.jpg")
    blob.metadata = {"species": "nestor-notabilis"}
    blob.upload_from_string(encoded(noise(seed=40)), content_type="image/jpeg")
    (done,) = settled(running_url, "process-sdk")
    assert done["status"] == "needs_review"  # noise is no parrot
    assert done["species"] == "nestor-notabilis"
    assert uuid.UUID(done["id"])


def test_a_damaged_upload_is_rejected_with_a_reason(running_url: str, bucket: Bucket) -> None:
    """And nothing is derived from it."""
    damaged = encoded(noise(seed=41))[:-200]
    bucket.blob("photos/process-bad/half.jpg").upload_from_string(damaged)
    (done,) = settled(running_url, "process-bad")
    assert done["status"] == "rejected"
    assert "damaged or incomplete" in done["reason"]
    assert list(bucket.list_blobs(prefix="derived/process-bad/")) == []


def test_the_first_versions_phones_photos_are_processed_too(
    running_url: str, bucket: Bucket
) -> None:
    """They cannot sign in, but their photos are training data like all others."""
    form = {"b64": base64.b64encode(encoded(noise(seed=42))), "index": "14"}
    before = {blob.name for blob in bucket.list_blobs(prefix="derived/anonymous/")}
    requests.post(f"{running_url}/parrot-classifier/save", data=form, timeout=60)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        now = {blob.name for blob in bucket.list_blobs(prefix="derived/anonymous/")}
        if len(now - before) >= 2:
            return
        time.sleep(0.1)
    raise AssertionError("nothing was derived")


def test_events_that_can_never_succeed_are_acknowledged(running: stack.Running) -> None:
    """Otherwise Eventarc repeats them for a day."""
    (url,) = [url for name, url, _ in running.parts if name == "process"]
    resource = {
        "bucket": stack.BUCKET,
        "name": "photos/process-none/gone",
        "generation": 1,
        "size": 1,
        "timeCreated": "2026-11-23T12:00:00Z",
    }
    for changes in ({}, {"generation": "x"}, {"name": 1}, {"name": "index/1.jpg"}, {"bucket": "b"}):
        headers, body = to_structured(events.cloud_event({**resource, **changes}))
        assert requests.post(url, body, headers=headers, timeout=30).status_code == 204, changes
    assert walk(running.url, "process-none") == []


@pytest.mark.parametrize(
    "headers",
    [{}, {"Content-Type": "application/cloudevents+json"}, {"ce-id": "1", "ce-type": "x"}],
)
def test_what_is_not_an_event_is_refused_without_an_echo(
    running: stack.Running, headers: dict[str, str]
) -> None:
    """functions-framework itself would send all headers back, tokens among them."""
    (url,) = [url for name, url, _ in running.parts if name == "process"]
    secret = {"Authorization": "Bearer secret", **headers}
    for body in (b"", b"{}", b"<html>"):
        answer = requests.post(url, body, headers=secret, timeout=30)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
        assert "secret" not in answer.text
    assert requests.get(url, timeout=30).status_code == 405
    assert requests.post(url, b"x" * (2**20 + 1), timeout=30).status_code == 413


def test_a_forged_event_rejects_no_good_photo(running: stack.Running, bucket: Bucket) -> None:
    """What counts is what the bucket says about the photo."""
    (url,) = [url for name, url, _ in running.parts if name == "process"]
    (saved,) = [save(running.url, encoded(noise(seed=46)), "process-forged")]
    blob = bucket.get_blob(f"photos/process-forged/{saved['id']}")
    assert blob is not None
    resource = {"bucket": stack.BUCKET, "name": blob.name, "timeCreated": "0001-01-01T00:00:00Z"}
    for lie in ({"generation": blob.generation, "size": 2**60}, {"generation": 1, "size": "0"}):
        headers, body = to_structured(events.cloud_event({**resource, **lie}))
        assert requests.post(url, body, headers=headers, timeout=30).status_code == 204
    (done,) = settled(running.url, "process-forged")
    assert done["status"] == "needs_review"


def test_a_sweep_finishes_what_was_left(running: stack.Running, data: Path, bucket: Bucket) -> None:
    """Cloud Scheduler's event: a photo whose event was lost, and one that never came."""
    (url,) = [url for name, url, _ in running.parts if name == "process"]
    long_ago = datetime.now(UTC) - timedelta(minutes=11)
    store = SqliteObservations(data / "observations.db")
    for number, uid in ((1, "process-swept"), (2, "process-never")):
        old = observation(number, uid)
        name = f"{uuid.uuid4()}"
        old = replace(old, id=name, object_name=photo_name(uid, name))
        store.create(replace(old, created=long_ago, updated=long_ago))
        if number == 1:
            bucket.blob(old.object_name).upload_from_string(
                encoded(noise(seed=47)), content_type="image/jpeg"
            )
    headers, body = to_structured(CloudEvent({"type": SWEEP, "source": "test"}))
    assert requests.post(url, body, headers=headers, timeout=60).status_code == 204
    assert [item["status"] for item in settled(running.url, "process-swept")] == ["needs_review"]
    (never,) = settled(running.url, "process-never")
    assert (never["status"], never["reason"]) == ("rejected", "the photo never arrived")


def test_a_compressed_upload_is_rejected_and_downloads_as_it_is(
    running_url: str, bucket: Bucket
) -> None:
    """4 GB of zeros are 4 MB of gzip; neither function unpacks them."""
    packed = gzip.compress(bytes(200 * 2**20), 9)
    blob = bucket.blob("photos/process-gzip/x.jpg")
    blob.content_encoding = "gzip"
    blob.upload_from_string(packed, content_type="text/html")
    (done,) = settled(running_url, "process-gzip")
    assert (done["status"], done["photo"]["media_type"]) == ("rejected", "application/octet-stream")
    assert "Content-Encoding" in done["reason"]
    answer = requests.get(
        f"{running_url}/parrot-classifier/observations/{done['id']}/original",
        headers=headers("process-gzip"),
        timeout=30,
    )
    assert answer.content == packed
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_without_the_model_photos_wait_and_are_processed_when_it_is_back(tmp_path: Path) -> None:
    """A retryable failure is redelivered until it succeeds."""
    with stack.running(tmp_path) as running:
        model = running.supervisor.kill("model server")
        save(running.url, encoded(noise(seed=45)), "ana")
        time.sleep(1)
        assert [item["status"] for item in walk(running.url, "ana")] == ["pending"]
        running.supervisor.start(model)
        (done,) = settled(running.url, "ana")
        assert done["status"] == "needs_review"


def test_undelivered_events_are_delivered_after_a_restart(
    tmp_path: Path, shared_model: str
) -> None:
    """Events are kept in memory; the bucket and the observations say which are missing."""
    with stack.running(tmp_path, model_server=shared_model) as running:
        running.supervisor.kill("storage events")
        save(running.url, encoded(noise(seed=43)), "ana")
        local_bucket(running).blob("photos/ana/direct").upload_from_string(encoded(noise(seed=44)))
        local_bucket(running).blob(f"derived/ana/{uuid.uuid4()}/image.webp").upload_from_string("x")
        time.sleep(0.5)
        assert [item["status"] for item in walk(running.url, "ana")] == ["pending"]
    with stack.running(tmp_path, model_server=shared_model) as running:
        done = settled(running.url, "ana", 2)
        assert {item["status"] for item in done} <= FINISHED
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(list(local_bucket(running).list_blobs(prefix="derived/"))) > 4:
            assert time.monotonic() < deadline, "what was left of a deleted one is still there"
            time.sleep(0.1)


class Chaos:
    """Collects storage's events, and delivers each one to three times in any order."""

    def __init__(self, seed: int) -> None:
        self.collected: list[CloudEvent] = []
        self._random = random.Random(seed)

    def of(self, folder: str) -> list[CloudEvent]:
        return [event for event in self.collected if event.data["name"].startswith(folder)]

    def wait_for(self, folder: str, count: int) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.of(folder)) < count:
            assert time.monotonic() < deadline, f"{len(self.of(folder))} of {count} events"
            time.sleep(0.05)

    def shuffled(self, events: list[CloudEvent]) -> list[CloudEvent]:
        deliveries = [event for event in events for _ in range(self._random.randint(1, 3))]
        self._random.shuffle(deliveries)
        return deliveries


@pytest.mark.slow
def test_200_saves_survive_repeated_shuffled_events_and_two_kills(
    tmp_path: Path, photos: Path, shared_model: str
) -> None:
    """At least once, in any order, with instances that die: the result is the same."""
    good, bad, users = 200, 6, ("ana", "bea")
    kinds = sorted((photos / "parrots").iterdir())
    files = [path for kind in kinds for path in sorted(kind.glob("*.jpg"))[:20]][:good]
    assert len(files) == good
    chaos = Chaos(seed=4)
    with stack.running(tmp_path, model_server=shared_model) as running:
        port = int(running.supervisor.kill("storage events").url.rpartition(":")[2])
        (process_url,) = [url for name, url, _ in running.parts if name == "process"]
        bucket = local_bucket(running)
        store = SqliteObservations(tmp_path / "observations.db")
        with events.publisher(port, chaos.collected.append):
            with ThreadPoolExecutor(4) as pool:
                saved = list(
                    pool.map(
                        lambda at: save(running.url, files[at].read_bytes(), users[at % 2]),
                        range(good),
                    )
                )
            for number in range(bad):
                damaged = encoded(noise(seed=number))[: -100 - number]
                bucket.blob(f"photos/ana/bad-{number}.jpg").upload_from_string(damaged)
            chaos.wait_for("photos/", good + bad)

            queue = chaos.shuffled(chaos.of("photos/"))
            third = len(queue) // 3
            with Delivery(process_url) as delivery:
                for event in queue[:third]:
                    delivery.accept(event)
                for count, rest in ((30, queue[third : 2 * third]), (100, queue[2 * third :])):
                    _wait_until_finished(store, users, count)
                    process = running.supervisor.kill("process")
                    for event in rest:
                        delivery.accept(event)
                    running.supervisor.start(process)
                assert delivery.finished(PATIENCE_SECONDS * 3)
                written = _generations(bucket)
                chaos.wait_for("derived/", len(written))
                for event in chaos.shuffled(chaos.of("derived/")):
                    delivery.accept(event)
                assert delivery.finished(PATIENCE_SECONDS)
            assert _generations(bucket) == written  # its own files start nothing

        listed = {user: walk(running.url, user) for user in users}
        _assert_exact(listed, {item["id"] for item in saved}, bad, store)
        kept = [(user, item) for user, many in listed.items() for item in many]
        expected = {
            f"derived/{user}/{item['id']}/{file}.webp"
            for user, item in kept
            if item["status"] in FINISHED
            for file in ("image", "thumbnail")
        }
        assert len(expected) == 2 * good
        assert set(written) == expected


def _generations(bucket: Bucket) -> dict[str, int]:
    return {blob.name: blob.generation for blob in bucket.list_blobs(prefix="derived/")}


def _assert_exact(
    listed: dict[str, list[dict[str, Any]]], saved: set[str], bad: int, store: SqliteObservations
) -> None:
    everyone = [(user, item) for user, many in listed.items() for item in many]
    ids = Counter(item["id"] for _, item in everyone)
    assert len(ids) == len(everyone) == len(saved) + bad
    assert saved <= set(ids)
    for user, item in everyone:
        if item["id"] in saved:
            assert item["status"] in FINISHED, item
        else:
            assert item["status"] == "rejected", item
            assert item["reason"]
            observation = store.get(user, item["id"])
            assert observation is not None
            # Made, then rejected: a second rejection would be a third revision.
            assert observation.revision == 2


def _wait_until_finished(store: SqliteObservations, users: tuple[str, ...], count: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        stored = [item for user in users for item in store.page(user, size=1000).observations]
        if sum(item.status is not Status.PENDING for item in stored) >= count:
            return
        assert time.monotonic() < deadline
        time.sleep(0.05)
