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
from tests.support.phone import Phone
from tests.support.photos import encoded, named, noise
from tests.support.waiting import PATIENCE_SECONDS, until
from tests.support.webp import assert_silent_file

if TYPE_CHECKING:
    from pathlib import Path

    from google.cloud.storage import Bucket

FINISHED = {"ready", "needs_review"}


def local_bucket(running: stack.Running) -> Bucket:
    (url,) = [url for name, url, _ in running.parts if name == "storage"]
    return stack.storage_client(url).bucket(stack.BUCKET)


@pytest.mark.smoke
def test_a_saved_photo_becomes_ready_with_its_thumbnails(running_url: str, photos: Path) -> None:
    """A phone shows the thumbnail as soon as it is there."""
    data = named(photos / "parrots" / "kea")[0].read_bytes()
    saved = Phone(running_url, "process-ada").send(data)
    (done,) = Phone(running_url, "process-ada").all_settled()
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
    phone = Phone(running_url, "process-gone")
    saved = phone.send(encoded(noise(90, 70, seed=77)))
    phone.all_settled()
    (original,) = bucket.list_blobs(prefix="photos/process-gone/")
    original.delete()
    until(lambda: not phone.pages(), "the observation to go")
    derived = f"derived/process-gone/{saved['id']}/"
    until(lambda: not list(bucket.list_blobs(prefix=derived)), "its copies to go after it")


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
            sideways[Phone(running_url, "process-gps").send(data)["id"]] = (
                image.height / image.width
            )
    for done in Phone(running_url, "process-gps").all_settled(len(gps)):
        assert done["status"] in FINISHED
        derived = list(bucket.list_blobs(prefix=f"derived/process-gps/{done['id']}/"))
        assert len(derived) == 2
        for blob in derived:
            width, height = assert_silent_file(blob.download_as_bytes())
            assert width / height == pytest.approx(sideways[done["id"]], rel=0.01)  # upright
            assert set(blob.metadata) == {"sha256"}  # of the derived file: its tag


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
    assert Phone(running.url, "process-none").observations(page_size=50) == []


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
    saved = Phone(running.url, "process-forged").send(encoded(noise(seed=46)))
    blob = bucket.get_blob(f"photos/process-forged/{saved['id']}")
    assert blob is not None
    resource = {"bucket": stack.BUCKET, "name": blob.name, "timeCreated": "0001-01-01T00:00:00Z"}
    for lie in ({"generation": blob.generation, "size": 2**60}, {"generation": 1, "size": "0"}):
        headers, body = to_structured(events.cloud_event({**resource, **lie}))
        assert requests.post(url, body, headers=headers, timeout=30).status_code == 204
    (done,) = Phone(running.url, "process-forged").all_settled()
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
    assert [one["status"] for one in Phone(running.url, "process-swept").all_settled()] == [
        "needs_review"
    ]
    (never,) = Phone(running.url, "process-never").all_settled()
    assert (never["status"], never["reason"]) == ("rejected", "the photo never arrived")


def test_a_compressed_upload_is_rejected_and_downloads_as_it_is(
    running_url: str, bucket: Bucket
) -> None:
    """4 GB of zeros are 4 MB of gzip; neither function unpacks them."""
    packed = gzip.compress(bytes(200 * 2**20), 9)
    blob = bucket.blob("photos/process-gzip/x.jpg")
    blob.content_encoding = "gzip"
    blob.upload_from_string(packed, content_type="text/html")
    (done,) = Phone(running_url, "process-gzip").all_settled()
    assert (done["status"], done["photo"]["media_type"]) == ("rejected", "application/octet-stream")
    assert "Content-Encoding" in done["reason"]
    answer = Phone(running_url, "process-gzip").get(f"/observations/{done['id']}/original")
    assert answer.content == packed
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_undelivered_events_are_delivered_after_a_restart(
    tmp_path: Path, shared_model: str
) -> None:
    """Events are kept in memory; the bucket and the observations say which are missing."""
    with stack.running(tmp_path, model_server=shared_model) as running:
        running.supervisor.kill("storage events")
        Phone(running.url, "ana").send(encoded(noise(seed=43)))
        local_bucket(running).blob("photos/ana/direct").upload_from_string(encoded(noise(seed=44)))
        local_bucket(running).blob(f"derived/ana/{uuid.uuid4()}/image.webp").upload_from_string("x")
        time.sleep(0.5)
        assert [one["status"] for one in Phone(running.url, "ana").observations(page_size=50)] == [
            "pending"
        ]
    with stack.running(tmp_path, model_server=shared_model) as running:
        done = Phone(running.url, "ana").all_settled(2)
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


def test_saves_survive_repeated_shuffled_events_and_two_kills(
    tmp_path: Path, photos: Path, shared_model: str
) -> None:
    """At least once, in any order, with instances that die: the result is the same."""
    good, bad, users = 60, 6, ("ana", "bea")
    files = sorted((photos / "parrots").glob("*/*.jpg"))[:good]  # any will do
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
                        lambda at: Phone(running.url, users[at % 2]).send(files[at].read_bytes()),
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
                for count, rest in ((10, queue[third : 2 * third]), (30, queue[2 * third :])):
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

        listed = {user: Phone(running.url, user).observations(page_size=50) for user in users}
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
    def finished() -> bool:
        stored = [item for user in users for item in store.page(user, size=1000).observations]
        return sum(one.status is not Status.PENDING for one in stored) >= count

    until(finished, f"{count} finished observations")
