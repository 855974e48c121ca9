"""A hundred stored photos judged by a new bundle: once each, killed and resumed."""

import base64
import json
import math
import shutil
import subprocess
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from google.cloud.storage import Bucket

from local import stack
from parrot.adapters.sqlite import SqliteObservations
from tests.support.commands import begun, kill, models
from tests.support.default_bundle import SERVED, SERVED_CLASSES
from tests.support.observations import processed, verdict
from tests.support.photos import encoded, noise
from tests.support.scripted_http import PATIENCE_SECONDS, Request, ScriptedAnswer, serving
from tests.support.waiting import until

PHOTOS = 100
KILLED_AFTER = 20
HELD_AFTER = 4 * KILLED_AFTER  # rows: a photo in doubt is looked at in three views
NEW, OLD = "2099-01-01", "2001-01-01"


class Model:
    """Stands in for the model server: the same answer for every photo.

    After `left` rows it waits until it is `released`, so that a run can be killed half-way for
    certain.
    """

    def __init__(self, features: list[float], classes: int) -> None:
        row = {
            "features": features,
            "probabilities": [1 / classes] * classes,
            "logits": [0.0] * classes,
            "focus": [0.25, 0.25, 0.75, 0.75],
            "second_focus": [0.0, 0.0, 0.25, 0.25],
        }
        self._row, self._lock = json.dumps(row), threading.Lock()
        self.left, self.released = math.inf, threading.Event()

    def answer(self, request: Request) -> ScriptedAnswer:
        count = len(request.json()["instances"])
        with self._lock:
            self.left -= count
            held = self.left < 0
        if held:
            self.released.wait(PATIENCE_SECONDS)
        return ScriptedAnswer(f'{{"predictions": [{", ".join([self._row] * count)}]}}'.encode())


def save(photos: Bucket, store: SqliteObservations, number: int) -> None:
    """One stored photo with the verdict of an old bundle."""
    row = processed(number, "0" * 16, f"user{number % 7}")
    blob = photos.blob(row.object_name)
    blob.upload_from_string(encoded(noise(24 + number % 40, 32)), "image/jpeg")
    judged = verdict("ara-ararauna", bundle=OLD)
    store.create(replace(row, generation=str(blob.generation), verdict=judged))


def bundles(store: SqliteObservations) -> Counter[str]:
    """How many observations have the verdict of which bundle."""
    return Counter(saved.verdict.bundle for saved in store.everything() if saved.verdict)


def counts(done: subprocess.Popen[str]) -> dict[str, int]:
    """What a run printed: outcome -> photos."""
    out, err = done.communicate(timeout=PATIENCE_SECONDS)
    assert done.returncode == 0, err
    lines = [line.rsplit(" ", 1) for line in out.splitlines()]
    return {outcome: int(number) for outcome, number in lines}


@pytest.mark.timeout(900)
def test_each_photo_is_judged_once_though_the_run_is_killed(
    bucket: Bucket, storage_url: str, tmp_path: Path
) -> None:
    """Counts are exact, and no run writes to the bucket."""
    bundle = tmp_path / "bundle"
    shutil.copytree(stack.DEFAULT_BUNDLE, bundle)
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    (bundle / "manifest.json").write_text(json.dumps(manifest | {"version": NEW}))

    database = tmp_path / "observations.db"
    store, client = SqliteObservations(database), bucket.client
    photos: Bucket = client.create_bucket("photos-of-a-backfill")
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: save(photos, store, number), range(PHOTOS)))
    blobs = {blob.name: blob.generation for blob in client.list_blobs(photos)}

    model = Model(manifest["reference"][0]["features"], SERVED_CLASSES)
    with serving(model.answer) as server:

        def run(*options: str) -> subprocess.Popen[str]:
            asked = ("models", "backfill", f"sqlite:{database}", photos.name, "--bundle", bundle)
            return begun(
                *(stack.ROOT / "dev.sh", *asked, "--model-server", server.url, *options),
                STORAGE_EMULATOR_HOST=storage_url,
                GOOGLE_CLOUD_PROJECT=stack.PROJECT,
            )

        dry = run("--dry-run")
        out, err = dry.communicate(timeout=PATIENCE_SECONDS)
        assert out.strip() == f"{PHOTOS} of {PHOTOS} observations would be judged by {NEW}", err
        assert "total" in err
        assert bundles(store) == {OLD: PHOTOS}

        model.left = HELD_AFTER
        killed = run("--batch", "4")
        until(lambda: bundles(store)[NEW] >= KILLED_AFTER, "some of the work")
        kill(killed)
        model.left = math.inf
        model.released.set()
        done = bundles(store)[NEW]
        assert KILLED_AFTER <= done < PHOTOS

        left = PHOTOS - done - 1
        assert counts(run("--max-photos", str(left))) == {"reclassified": left}
        assert bundles(store) == {NEW: PHOTOS - 1, OLD: 1}
        judged = [row for row in store.everything() if row.verdict and row.verdict.bundle == NEW]
        assert {row.revision for row in judged} == {2}, "each was written once"
        assert {row.verdict.model for row in judged if row.verdict} == {SERVED}

    assert {blob.name: blob.generation for blob in client.list_blobs(photos)} == blobs


def test_a_bundle_that_no_trusted_key_signed_judges_nothing(tmp_path: Path) -> None:
    """The functions refuse it too."""
    key = base64.b64encode(bytes(32)).decode()
    store, server = f"sqlite:{tmp_path / 'o.db'}", ("--model-server", "http://127.0.0.1:1")
    options = ("--bundle", stack.DEFAULT_BUNDLE, *server, "--dry-run")
    done = models("backfill", store, "b", *options, MODEL_BUNDLE_PUBLIC_KEY=key)
    assert done.returncode == 1, done.stdout
    assert "manifest.sig" in done.stderr
