"""What people saved becomes a training set."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import requests

from local import stack
from models.data import labelled_photos
from tests.support.default_bundle import SERVED
from tests.support.photos import first

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_SECONDS = 60


def test_saved_photos_come_back_labelled_split_by_user_and_without_names(
    tmp_path: Path, photos: Path, shared_model: str
) -> None:
    """The loop that makes better models, over the real stack."""
    chosen = {
        "ana": [("nestor-notabilis", path) for path in first(photos / "parrots" / "kea", 2)],
        "bea": [("eolophus-roseicapilla", path) for path in first(photos / "parrots" / "galah", 1)],
    }
    with stack.running(tmp_path / "data", model_server=shared_model) as running:
        base = f"{running.url}/parrot-classifier"
        for user, saves in chosen.items():
            headers = {"Authorization": f"Bearer local:{user}"}
            for species, path in saves:
                requests.post(
                    f"{base}/save",
                    files={"image": path.read_bytes()},
                    data={"species": species},
                    headers=headers,
                    timeout=60,
                ).raise_for_status()
            _wait_until_processed(base, headers)
        (storage,) = [url for name, url, _ in running.parts if name == "storage"]
        out = tmp_path / "saved"
        command = [sys.executable, "-m", "models", "export-saved"]
        command += [f"sqlite:{tmp_path / 'data' / 'observations.db'}", stack.BUCKET, str(out)]
        environment = {**os.environ, "STORAGE_EMULATOR_HOST": storage}
        for _ in range(2):  # again is harmless
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, env=environment
            )
            assert done.returncode == 0, done.stderr
            assert done.stdout.startswith("3 photos")
    labelled = labelled_photos.read(out)
    assert sorted(photo.taxon or "" for photo in labelled) == [
        "eolophus-roseicapilla",
        "nestor-notabilis",
        "nestor-notabilis",
    ]
    assert len({photo.cluster for photo in labelled}) == 2
    with (out / "index.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert {line["model"] for line in lines} == {SERVED}
    assert len({line["label_map"] for line in lines}) == 1
    assert not any(user in str(line) for user in chosen for line in lines)


def _wait_until_processed(base: str, headers: dict[str, str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        body = requests.get(f"{base}/observations", headers=headers, timeout=30).json()
        if all(observation["status"] != "pending" for observation in body["observations"]):
            return
        time.sleep(0.2)
    raise AssertionError("the photos are still not processed")
