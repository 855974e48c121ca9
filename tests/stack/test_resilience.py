"""Parts stop and start, events come late and often: clear answers, and nothing is lost."""

import random
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
import requests
from cloudevents.http import CloudEvent
from google.cloud.storage import Bucket

from local import events, stack
from local.events import Delivery
from local.supervisor import Part, PartFailed, Supervisor, free_port
from parrot.adapters.sqlite import SqliteObservations
from parrot.observation import Status
from tests.support.phone import BASE, Phone
from tests.support.photos import encoded, noise
from tests.support.problems import assert_problem
from tests.support.scripted_http import passed_on, serving
from tests.support.waiting import PATIENCE_SECONDS, until

PHOTO, OTHER_PHOTO = encoded(noise()), encoded(noise(seed=1))
PHONE_SECONDS = 20
UP = (str(stack.ROOT / "dev.sh"), "up", "--port", "0")
FINISHED = {"ready", "needs_review"}


@dataclass
class Model:
    """A model server that goes and comes back: TensorFlow itself takes seconds to start."""

    behind: str
    port: int = field(default_factory=free_port)
    up: ExitStack = field(default_factory=ExitStack)

    def start(self) -> str:
        script = serving(lambda request: passed_on(request, self.behind), self.port)
        return self.up.enter_context(script).url


class Town(NamedTuple):
    """A stack whose parts stop and start, in the order of these tests."""

    running: stack.Running
    model: Model
    store: SqliteObservations
    bucket: Bucket


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, shared_model: str) -> Iterator[Town]:
    data, model = tmp_path_factory.mktemp("town"), Model(shared_model)
    with model.up, stack.running(data, model_server=model.start()) as running:
        bucket = stack.storage_client(running.urls["storage"]).bucket(stack.BUCKET)
        yield Town(running, model, SqliteObservations(data / stack.OBSERVATIONS), bucket)


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


def test_saves_survive_repeated_shuffled_events_and_two_kills(town: Town, photos: Path) -> None:
    """At least once, in any order, with instances that die: the result is the same."""
    good, bad, users = 30, 6, ("ana", "bea")
    files = sorted((photos / "parrots").glob("*/*.jpg"))[:good]  # any will do
    chaos, running, bucket = Chaos(seed=4), town.running, town.bucket
    own = running.supervisor.kill("storage events")
    with events.publisher(int(own.url.rpartition(":")[2]), chaos.collected.append):
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
                _wait_until_finished(town.store, users, count)
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
    running.supervisor.start(own)

    listed = {user: Phone(running.url, user).observations(page_size=50) for user in users}
    _assert_exact(listed, {item["id"] for item in saved}, bad, town.store)
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


def test_undelivered_events_are_delivered_after_a_restart(town: Town) -> None:
    """Events are kept in memory; the bucket and the observations say which are missing."""
    cleo, before = Phone(town.running.url, "cleo"), len(_generations(town.bucket))
    part = town.running.supervisor.kill("storage events")
    cleo.send(encoded(noise(seed=43)))
    town.bucket.blob("photos/cleo/direct").upload_from_string(encoded(noise(seed=44)))
    town.bucket.blob(f"derived/cleo/{uuid.uuid4()}/image.webp").upload_from_string("x")
    time.sleep(0.5)
    assert [row["status"] for row in cleo.observations()] == ["pending"]
    town.running.supervisor.start(part)
    done = cleo.all_settled(2)
    assert {item["status"] for item in done} <= FINISHED
    assert {item["species"] for item in done} == {"nestor-notabilis", None}
    copies = before + 4
    until(lambda: len(_generations(town.bucket)) <= copies, "a deleted one's copies to go")


def test_without_the_model_server_classify_says_so(town: Town) -> None:
    """The wait itself is the limit: a phone does not wait longer."""
    classify = f"{town.running.url}{BASE}/classify"
    assert requests.post(classify, data=PHOTO, timeout=30).status_code == 200
    town.model.up.close()
    # What was answered before is still answered.
    assert requests.post(classify, data=PHOTO, timeout=PHONE_SECONDS).status_code == 200
    response = requests.post(classify, data=OTHER_PHOTO, timeout=PHONE_SECONDS)
    assert_problem(response, 503, "model_unavailable")
    assert int(response.headers["Retry-After"]) > 0
    assert_problem(requests.get(classify, timeout=PHONE_SECONDS), 503, "model_unavailable")


def test_a_dead_model_server_holds_up_nobody(town: Town) -> None:
    """40 phones at once get their 503, and one can read observations beside them."""
    ana = Phone(town.running.url, "ana")

    def ask(photo: bytes) -> int:
        url = f"{ana.url}{BASE}/classify"
        return requests.post(url, data=photo, timeout=PHONE_SECONDS).status_code

    with ThreadPoolExecutor(40) as pool:
        asked = [pool.submit(ask, encoded(noise(seed=number))) for number in range(100, 140)]
        assert ana.get("/observations").status_code == 200
        assert {future.result() for future in asked} == {503}


def test_when_the_model_is_back_what_waited_is_processed(town: Town) -> None:
    """A deployment of the model must not need one of the functions, nor lose what was saved."""
    ben = Phone(town.running.url, "ben")
    name = ben.save(45)
    time.sleep(0.5)
    assert ben.get(f"/observations/{name}").json()["status"] == "pending"
    town.model.start()
    assert ben.settled(name)["status"] == "needs_review"
    classify = f"{ben.url}{BASE}/classify"
    # A dead server is left alone for some seconds.
    until(
        lambda: requests.post(classify, data=OTHER_PHOTO, timeout=30).ok, "the model", PHONE_SECONDS
    )


def test_without_storage_a_save_says_so(town: Town) -> None:
    """A phone keeps its photo and tries again."""
    town.running.supervisor.kill("storage")
    refused = Phone(town.running.url, "cleo").ask("POST", "/save?index=1", data=OTHER_PHOTO)
    assert_problem(refused, 503, "store_unavailable")


def test_one_ctrl_c_ends_every_process(tmp_path: Path, shared_model: str) -> None:
    """Nothing may be left behind that holds a port or a file."""
    command = [*UP, "--data", str(tmp_path), "--model-server", shared_model]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"ready: http://127.0.0.1:")
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 5
    process.send_signal(signal.SIGINT)
    process.wait(PHONE_SECONDS)
    process.stdout.close()
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []


@pytest.mark.parametrize(
    ("program", "end"),
    [("raise SystemExit('no memory')", "ends with:\nno memory"), ("", "is empty")],
)
def test_the_end_of_a_parts_log_is_shown_or_said_to_be_empty(
    tmp_path: Path, program: str, end: str
) -> None:
    """A report that breaks off after "ends with:" looks cut short."""
    part = Part("part", [sys.executable, "-c", program], "http://127.0.0.1:1", lambda: False)
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(part)
        with pytest.raises(PartFailed) as caught:
            supervisor.wait(part, timeout=60)
    assert str(caught.value).endswith(end)
