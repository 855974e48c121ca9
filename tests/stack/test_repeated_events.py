"""Events that come late, often and in any order, while processes end."""

import random
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from cloudevents.http import CloudEvent
from google.cloud.storage import Bucket

from local import events, stack
from local.events import Delivery
from parrot.adapters.sqlite import SqliteObservations
from parrot.observation import Status
from tests.support.phone import Phone
from tests.support.photos import encoded, noise
from tests.support.waiting import PATIENCE_SECONDS, until

FINISHED = {"ready", "needs_review"}


def local_bucket(running: stack.Running) -> Bucket:
    return stack.storage_client(running.urls["storage"]).bucket(stack.BUCKET)


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
        assert {item["species"] for item in done} == {"nestor-notabilis", None}
        until(lambda: len(_generations(local_bucket(running))) <= 4, "a deleted one's copies to go")


class Chaos:
    """Collects storage's events, and delivers each one to three times in any order."""

    def __init__(self, seed: int) -> None:
        self.collected: list[CloudEvent] = []
        self._random = random.Random(seed)

    def of(self, folder: str) -> list[CloudEvent]:
        return [event for event in self.collected if event.data["name"].startswith(folder)]

    def wait_for(self, folder: str, count: int) -> None:
        until(lambda: len(self.of(folder)) >= count, f"{count} events")

    def shuffled(self, events: list[CloudEvent]) -> list[CloudEvent]:
        deliveries = [event for event in events for _ in range(self._random.randint(1, 3))]
        self._random.shuffle(deliveries)
        return deliveries


def test_saves_survive_repeated_shuffled_events_and_two_kills(
    tmp_path: Path, photos: Path, shared_model: str
) -> None:
    """At least once, in any order, with instances that die: the result is the same."""
    good, bad, users = 30, 6, ("ana", "bea")
    files = sorted((photos / "parrots").glob("*/*.jpg"))[:good]  # any will do
    chaos = Chaos(seed=4)
    with stack.running(tmp_path, model_server=shared_model) as running:
        port = int(running.supervisor.kill("storage events").url.rpartition(":")[2])
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
            with Delivery(running.urls["process"]) as delivery:
                for event in queue[:third]:
                    delivery.accept(event)
                for count, rest in ((6, queue[third : 2 * third]), (16, queue[2 * third :])):
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
