"""A backup brings back every observation and photo: docs/operations.md, "Backups", rehearsed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import requests

from local import stack
from local.samples import MACAW
from local.supervisor import free_port
from tests.support.firebase_records import records
from tests.support.firebase_users import TIMEOUT, sign_up
from tests.support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from local.toolchain import Toolchain


def _saved(url: str, people: int) -> None:
    """Observations of several people, processed."""
    api = f"{url}/parrot-classifier"
    for _ in range(people):
        person = sign_up()
        requests.post(
            f"{api}/save",
            files={"image": MACAW.read_bytes()},
            data={"species": "ara-ararauna"},
            headers={**person.headers, "Idempotency-Key": "once"},
            timeout=TIMEOUT,
        ).raise_for_status()

        def ready(headers: dict[str, str] = person.headers) -> bool:
            found = requests.get(f"{api}/observations", headers=headers, timeout=TIMEOUT).json()
            return bool(found["observations"][0]["status"] == "ready")

        until(ready, "Firebase")


def _back_up(folder: Path) -> None:
    """As `firebase emulators:export` does it."""
    (folder / "storage_export").mkdir(parents=True)
    firestore, storage = (
        os.environ[f"{name}_EMULATOR_HOST"] for name in ("FIRESTORE", "FIREBASE_STORAGE")
    )
    asked = {
        f"http://{firestore}/emulator/v1/projects/{stack.PROJECT}:export": {
            "database": f"projects/{stack.PROJECT}/databases/(default)",
            "export_directory": str(folder),
            "export_name": "firestore_export",
        },
        f"http://{storage}/internal/export": {
            "path": str(folder / "storage_export"),
            "initiatedBy": "test",
        },
    }
    for url, body in asked.items():
        requests.post(url, json=body, timeout=TIMEOUT).raise_for_status()
    metadata = "firestore_export/firestore_export.overall_export_metadata"
    parts = {
        "version": "15",
        "firestore": {"version": "1", "path": "firestore_export", "metadata_file": metadata},
        "storage": {"version": "15", "path": "storage_export"},
    }
    (folder / "firebase-export-metadata.json").write_text(json.dumps(parts))


def _restored(folder: Path, backup: Path, tools: Toolchain) -> dict[str, dict[str, dict[str, str]]]:
    """What emulators hold that know nothing but the backup."""
    folder.mkdir()
    config = json.loads((stack.ROOT / "firebase.json").read_text())
    ports = {name: {"port": free_port()} for name in ("firestore", "storage", "hub", "logging")}
    config["emulators"] = {**ports, "ui": {"enabled": False}, "singleProjectMode": True}
    (folder / "firebase.json").write_text(json.dumps(config))
    for name in ("firestore.rules", "firestore.indexes.json", "storage.rules"):
        (folder / name).symlink_to(stack.ROOT / name)
    command = f"{sys.executable} -m tests.support.firebase_records >{folder}/records.json"
    subprocess.run(
        [
            *(
                *tools.firebase,
                "emulators:exec",
                "--project",
                stack.PROJECT,
                "--import",
                str(backup),
            ),
            *("--only", "firestore,storage", "--config", str(folder / "firebase.json"), command),
        ],
        cwd=folder,
        env={
            **{k: v for k, v in os.environ.items() if not k.endswith("_EMULATOR_HOST")},
            "PATH": tools.path,
            "TMPDIR": str(folder),
            "CI": "1",
            "PYTHONPATH": f"{stack.ROOT}:{stack.ROOT / 'shared'}",
        },
        check=True,
    )
    restored: dict[str, dict[str, dict[str, str]]] = json.loads(
        (folder / "records.json").read_text()
    )
    return restored


def test_every_observation_and_photo_comes_back_from_a_backup(
    suite_url: str, tools: Toolchain, tmp_path: Path
) -> None:
    """A backup that nobody ever restored is a hope."""
    _saved(suite_url, people=2)
    before = records()
    _back_up(tmp_path / "backup")
    restored = _restored(tmp_path / "restored", tmp_path / "backup", tools)
    kinds = [path.split("/")[2] for path in restored["documents"]]
    assert {"observations", "quotas", "keys"} == set(kinds)
    assert kinds.count("observations") >= 2
    assert len(restored["photos"]) >= 2 * 3  # an original and what is derived
    assert restored == json.loads(json.dumps(before))
