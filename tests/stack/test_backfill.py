"""A hundred photos in the local bucket judged by a new bundle: once each, killed and resumed."""

import base64
import json
import os
import shutil
import signal
import subprocess
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from google.cloud.storage import Client

from local import stack
from local.supervisor import Supervisor, free_url
from parrot.adapters.bucket import BucketPhotos
from parrot.adapters.sqlite import SqliteObservations
from parrot.events import SWEEP
from parrot.observation import Status
from tests.support.commands import models
from tests.support.default_bundle import SERVED, SERVED_CLASSES
from tests.support.observations import observation, verdict
from tests.support.photos import encoded, noise
from tests.support.scripted_http import Request, ScriptedAnswer, Server, serving
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
PHOTOS = 100
KILLED_AFTER = 20
HELD_AFTER = 4 * KILLED_AFTER  # rows: a photo in doubt is looked at in three views
PATIENCE_SECONDS = 240
NEW, OLD = "2099-01-01", "2001-01-01"


@pytest.fixture
def process() -> Iterator[Server]:
    """Stands in for `process`."""
    with serving(lambda _request: ScriptedAnswer(status=204)) as server:
        yield server


def events(process: Server) -> int:
    """How many were about photos; the scheduled event, which comes every minute, is not."""
    return sum(SWEEP.encode() not in request.body for request in process.requests)


@pytest.fixture
def storage(tmp_path: Path, process: Server) -> Iterator[str]:
    """The URL of the local storage, whose events go to `process`."""
    url, broker = (free_url() for _ in range(2))
    with Supervisor(tmp_path / "logs") as supervisor:
        for part in (
            stack._storage(url, tmp_path, broker),  # noqa: SLF001 - a part of the stack
            stack._events(broker, tmp_path, url, process.url),  # noqa: SLF001
        ):
            supervisor.start(part)
            supervisor.wait(part, 60)
        yield url


class Model:
    """Stands in for the model server: the same answer for every photo.

    `hold` lets it answer so many rows and then no more until `release`, so that a run can be killed
    half-way for certain.
    """

    def __init__(self, features: list[float], classes: int) -> None:
        row = {
            "features": features,
            "probabilities": [1 / classes] * classes,
            "logits": [0.0] * classes,
            "focus": [0.25, 0.25, 0.75, 0.75],
            "second_focus": [0.0, 0.0, 0.25, 0.25],
        }
        self._row = json.dumps(row)
        self._lock, self._released = threading.Lock(), threading.Event()
        self._left = 0
        self.release()

    def hold(self, after: int) -> None:
        self._left = after
        self._released.clear()

    def release(self) -> None:
        self._released.set()

    def answer(self, request: Request) -> ScriptedAnswer:
        count = len(request.json()["instances"])
        with self._lock:
            self._left -= count
            held = self._left < 0
        if held:
            self._released.wait(PATIENCE_SECONDS)
        return ScriptedAnswer(f'{{"predictions": [{", ".join([self._row] * count)}]}}'.encode())


def save(client: Client, store: SqliteObservations, number: int) -> None:
    """One stored photo with the verdict of an old bundle."""
    uid, name = f"user{number % 7}", str(uuid.UUID(int=number + 1))
    blob = client.bucket(stack.BUCKET).blob(f"photos/{uid}/{name}")
    blob.upload_from_string(encoded(noise(24 + number % 40, 32)), "image/jpeg")
    when = datetime.fromtimestamp(1_700_000_000 + number, UTC)
    store.create(
        replace(
            observation(),
            id=name,
            uid=uid,
            object_name=blob.name,
            labels=(),
            status=Status.READY,
            created=when,
            updated=when,
            generation=str(blob.generation),
            verdict=verdict("ara-ararauna", bundle=OLD),
        )
    )


def bundles(store: SqliteObservations) -> Counter[str]:
    """How many observations have the verdict of which bundle."""
    return Counter(saved.verdict.bundle for saved in store.everything() if saved.verdict)


def counts(done: subprocess.Popen[str]) -> dict[str, int]:
    """What a run printed: outcome -> photos."""
    out, err = done.communicate(timeout=PATIENCE_SECONDS)
    assert done.returncode == 0, err
    lines = [line.rsplit(" ", 1) for line in out.splitlines() if line != "nothing to do"]
    return {outcome: int(number) for outcome, number in lines}


@pytest.mark.timeout(900)
def test_each_photo_is_judged_once_though_the_run_is_killed(
    storage: str, process: Server, tmp_path: Path
) -> None:
    """Counts are exact, a second run does nothing, and `process` never runs."""
    bundle = tmp_path / "bundle"
    shutil.copytree(stack.DEFAULT_BUNDLE, bundle)
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    (bundle / "manifest.json").write_text(json.dumps(manifest | {"version": NEW}))

    database = tmp_path / "observations.db"
    store, client = SqliteObservations(database), stack.storage_client(storage)
    client.create_bucket(stack.BUCKET)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: save(client, store, number), range(PHOTOS)))
    until(lambda: events(process) == PHOTOS, "the uploads' own events")
    blobs = {blob.name: blob.generation for blob in client.list_blobs(stack.BUCKET)}

    model = Model(manifest["reference"][0]["features"], SERVED_CLASSES)
    with serving(model.answer) as server:

        def run(*options: str) -> subprocess.Popen[str]:
            return subprocess.Popen(
                [
                    *(str(ROOT / "dev.sh"), "models", "backfill"),
                    *(f"sqlite:{database}", stack.BUCKET),
                    *("--bundle", str(bundle), "--model-server", server.url, *options),
                ],
                env={
                    **os.environ,  # proxies and certificates: it installs its packages
                    "STORAGE_EMULATOR_HOST": storage,
                    "GOOGLE_CLOUD_PROJECT": stack.PROJECT,
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )

        dry = run("--dry-run")
        out, err = dry.communicate(timeout=PATIENCE_SECONDS)
        assert out.strip() == f"{PHOTOS} of {PHOTOS} observations would be judged by {NEW}", err
        assert "total" in err
        assert bundles(store) == {OLD: PHOTOS}

        assert counts(run("--max-photos", "10", "--batch", "4")) == {"reclassified": 10}
        assert bundles(store) == {OLD: PHOTOS - 10, NEW: 10}

        model.hold(HELD_AFTER)
        killed = run()
        until(lambda: bundles(store)[NEW] >= KILLED_AFTER, "some of the work")
        os.killpg(killed.pid, signal.SIGKILL)
        killed.communicate(timeout=PATIENCE_SECONDS)
        model.release()
        done = bundles(store)[NEW]
        assert KILLED_AFTER <= done < PHOTOS

        assert counts(run()) == {"reclassified": PHOTOS - done}
        assert bundles(store) == {NEW: PHOTOS}
        assert {saved.revision for saved in store.everything()} == {2}, "each was written once"
        assert {saved.verdict.model for saved in store.everything() if saved.verdict} == {SERVED}

        assert counts(run()) == {}
        assert {saved.revision for saved in store.everything()} == {2}

    time.sleep(2)  # for an event that should not come
    assert events(process) == PHOTOS, "nothing was written to the bucket"
    assert {blob.name: blob.generation for blob in client.list_blobs(stack.BUCKET)} == blobs
    name, generation = next(iter(blobs.items()))
    photos = BucketPhotos(client, stack.BUCKET)
    assert photos.read_generation(name, generation, most=2**20) is not None


def test_a_bundle_that_no_trusted_key_signed_judges_nothing(tmp_path: Path) -> None:
    """The functions refuse it too."""
    key = base64.b64encode(bytes(32)).decode()
    store, server = f"sqlite:{tmp_path / 'o.db'}", ("--model-server", "http://127.0.0.1:1")
    options = ("--bundle", stack.DEFAULT_BUNDLE, *server, "--dry-run")
    done = models("backfill", store, "b", *options, MODEL_BUNDLE_PUBLIC_KEY=key)
    assert done.returncode == 1, done.stdout
    assert "manifest.sig" in done.stderr
