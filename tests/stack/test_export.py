"""Saved photos copied into a bucket by a pipeline: killed and resumed, as one machine does it."""

import csv
import hashlib
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from google.cloud.storage import Bucket, Client
from typer.testing import CliRunner

from local import stack
from models.cli import app
from models.data import stores
from models.data.saved_photos import examines
from parrot.adapters.sqlite import SqliteObservations
from parrot.consent import Consent
from parrot.observation import Derived, Status, derived_name
from tests.support.commands import begun, done, kill
from tests.support.observations import NOW, observation
from tests.support.photos import encoded, noise
from tests.support.saved_photos import SURE
from tests.support.scripted_http import (
    PATIENCE_SECONDS,
    Request,
    ScriptedAnswer,
    passed_on,
    serving,
)
from tests.support.waiting import until

PHOTOS, HELD_AFTER = 40, 12


def save(store: SqliteObservations, bucket: Bucket, number: int) -> None:
    """A photo that may train, and its clean copy."""
    row = observation(number, f"user-{number % 12}")
    image = derived_name(row.uid, row.id, "image")
    bucket.blob(image).upload_from_string(encoded(noise(seed=number), "WEBP"), "image/webp")
    phash = hashlib.sha256(image.encode()).hexdigest()[:16]
    processed = replace(row, status=Status.READY, verdict=SURE, generation=str(number))
    copies = Derived(image, image, 64, 48, "", phash)
    store.create(replace(processed, derived=copies, consent=Consent(given=True, at=NOW)))


def forwarding(storage: str, released: threading.Event) -> Callable[[Request], ScriptedAnswer]:
    """A script that passes all on to the local storage, but few uploads until it is released."""
    uploads = count(1)

    def answer(request: Request) -> ScriptedAnswer:
        if request.path.startswith("/upload") and next(uploads) > HELD_AFTER:
            released.wait(PATIENCE_SECONDS)
        return passed_on(request, storage)

    return answer


@pytest.mark.timeout(900)
def test_many_machines_copy_what_one_would_though_they_are_killed(
    bucket: Bucket, storage_url: str, tmp_path: Path
) -> None:
    """What goes meanwhile is left out and counted; a photo is listed once it is noted."""
    client: Client = bucket.client
    photos, copies = (client.create_bucket(f"{name}-of-an-export") for name in ("photos", "copies"))
    database = tmp_path / "observations.db"
    store = SqliteObservations(database)
    for number in range(PHOTOS):
        save(store, photos, number)
    rows = list(store.everything())
    gone, deleted = (next(row for row in rows if row.uid == f"user-{number}") for number in (1, 2))
    assert gone.derived is not None
    photos.blob(gone.derived.image).delete()

    asked = ("export-saved", f"sqlite:{database}", photos.name)
    here = {"STORAGE_EMULATOR_HOST": storage_url}
    alone = CliRunner().invoke(app, [*asked, str(tmp_path / "alone")], env=here)
    assert alone.stdout.startswith(f"{PHOTOS - 1} photos"), alone.stderr

    def run(url: str) -> subprocess.Popen[str]:
        options = (f"gs://{copies.name}/saved/all", "--for", "next", "--runner", "Direct")
        command = (stack.ROOT / "dev.sh", "models", *asked, *options)
        return begun(*command, STORAGE_EMULATOR_HOST=url)

    def copied() -> dict[str, bytes]:
        blobs = client.list_blobs(copies)
        return {
            blob.name.removeprefix("saved/all/"): blob.download_as_bytes()
            for blob in blobs
            if blob.name.endswith(".webp")
        }

    released = threading.Event()
    with serving(forwarding(storage_url, released)) as held:
        killed = run(held.url)
        until(lambda: len(copied()) == HELD_AFTER, "some of the work", PATIENCE_SECONDS)
        kill(killed)
        released.set()
    assert not copies.blob("saved/all/index.csv").exists()
    current = store.get(deleted.uid, deleted.id)
    assert current is not None
    assert store.remove(current)

    out, err = run(storage_url).communicate(timeout=PATIENCE_SECONDS)
    *outcomes, summary = out.splitlines()
    assert summary.startswith(f"{PHOTOS - 2} photos in gs://"), out + err
    assert summary.endswith("left out: 1 whose photo is missing")
    numbers = {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in outcomes}
    assert numbers.pop("removed or taken back meanwhile") == 1
    assert numbers["copied"] + numbers["copied before"] == PHOTOS - 2
    assert HELD_AFTER - 1 <= numbers["copied before"] < PHOTOS - 2
    trains, judges = (listed(copies, name) for name in ("index.csv", "exam.csv"))
    files = {
        path.relative_to(tmp_path / "alone").as_posix(): path.read_bytes()
        for path in (tmp_path / "alone").rglob("*.webp")
    }
    assert trains | judges == set(copied())
    assert copied().items() < files.items(), "but for the one that was removed since"
    learnt = {row.id for row in store.everything() if row.learnt_by == ("next",)}
    expected = {row.id for row in store.everything() if not examines(row.uid)}
    assert expected - learnt == {gone.id} - {row.id for row in rows if examines(row.uid)}
    assert len(trains) == len(learnt)

    again = CliRunner().invoke(app, [*asked, f"gs://{copies.name}/saved/all"], env=here)
    assert again.stdout == f"{summary}\n", "one machine goes on where many stopped"


def listed(copies: Bucket, name: str) -> set[str]:
    """The photos that one of the lists names."""
    text = copies.blob(f"saved/all/{name}").download_as_text()
    return {line["path"] for line in csv.DictReader(text.splitlines())}


def test_what_is_misspelt_is_said_before_anything_is_copied_or_judged(
    bucket: Bucket, storage_url: str, tmp_path: Path
) -> None:
    """A wrong bucket called every photo missing; an option that Beam does not know was ignored."""
    database = tmp_path / "o.db"
    SqliteObservations(database)
    asked = ("export-saved", f"sqlite:{database}")
    judged = ("--bundle", str(stack.DEFAULT_BUNDLE), "--model-server", "http://127.0.0.1:1")
    for elsewhere in (
        [*asked, "phtoos", str(tmp_path / "out")],
        ["backfill", f"sqlite:{database}", "phtoos", *judged],
        ["backfill", f"sqlite:{database}", "phtoos", *judged, "--dry-run"],
        ["shadow", f"sqlite:{database}", "phtoos", str(stack.DEFAULT_BUNDLE)],
    ):
        nowhere = CliRunner().invoke(app, elsewhere, env={"STORAGE_EMULATOR_HOST": storage_url})
        assert (nowhere.exit_code, nowhere.stderr) == (1, "there is no bucket phtoos\n")
    for command in (
        (*asked, bucket.name, tmp_path / "out", "--runner", "Direct"),
        ("backfill", f"sqlite:{database}", bucket.name, *judged, "--dry-run"),
    ):
        mistyped = done(
            *(stack.ROOT / "dev.sh", "models", *command, "--max-num-workers", "2"),
            STORAGE_EMULATOR_HOST=storage_url,
            GOOGLE_CLOUD_PROJECT=stack.PROJECT,
        )
        assert mistyped.returncode == 1
        assert "an option --max-num-workers: --max_num_workers?" in mistyped.stderr


def test_a_storage_that_is_away_is_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It took two minutes, and ended with an exception's text."""
    monkeypatch.setattr(stores, "_BUCKET_SECONDS", 1.0)
    SqliteObservations(tmp_path / "o.db")
    asked = ["export-saved", f"sqlite:{tmp_path}/o.db", "photos", str(tmp_path / "out")]
    told = CliRunner().invoke(app, asked, env={"STORAGE_EMULATOR_HOST": "http://127.0.0.1:9"})
    assert told.exit_code == 1
    assert told.stderr == "the bucket photos cannot be reached (RetryError)\n"


def test_an_export_is_only_written_where_it_can_be(tmp_path: Path) -> None:
    """Each photo's event would start `process`, and removing what may not stay needs a folder."""
    SqliteObservations(tmp_path / "o.db")
    folder = str(tmp_path / "out")
    for where, options, reason in (
        ("gs://photos/saved", [], "in another bucket than the photos"),
        ("gs://other", [], "in another bucket than the photos"),
        ("gs://other/", [], "in another bucket than the photos"),
        (folder, ["--runner", "Dataflow"], "workers of Dataflow need gs://BUCKET/FOLDER"),
        (folder, ["--fro", "next"], "name a --runner"),
    ):
        asked = ["export-saved", f"sqlite:{tmp_path}/o.db", "photos", where, *options]
        refused = CliRunner().invoke(app, asked)  # no process each: 2 s
        assert refused.exit_code == 1
        assert reason in " ".join(refused.stderr.split())
