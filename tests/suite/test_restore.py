"""A backup brings back all documents and photos: docs/operations.md, "Backups", rehearsed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from local import stack
from local.supervisor import free_port
from local.toolchain import Toolchain

Records = dict[str, dict[str, dict[str, Any]]]


def _in_emulators(tools: Toolchain, folder: Path, *options: str, fill: bool) -> Records:
    """What new emulators of Firestore and Storage hold in the end."""
    folder.mkdir()
    config = json.loads((stack.ROOT / "firebase.json").read_text())
    ports = {name: {"port": free_port()} for name in ("firestore", "storage", "hub", "logging")}
    config["emulators"] = {**ports, "ui": {"enabled": False}, "singleProjectMode": True}
    (folder / "firebase.json").write_text(json.dumps(config))
    for name in ("firestore.rules", "firestore.indexes.json", "storage.rules"):
        (folder / name).symlink_to(stack.ROOT / name)
    script = [sys.executable, "-m", "tests.support.firebase_records", f"{folder}/records.json"]
    subprocess.run(
        [
            *(*tools.firebase, "emulators:exec", "--project", stack.PROJECT, *options),
            *("--only", "firestore,storage", "--config", str(folder / "firebase.json")),
            " ".join([*script, "fill"] if fill else script),
        ],
        cwd=folder,
        env={
            **os.environ,
            "PATH": tools.path,
            "TMPDIR": str(folder),  # stored blobs of all runs would share the system's folder
            "CI": "1",
            "PYTHONPATH": f"{stack.ROOT}:{stack.ROOT / 'shared'}",
        },
        check=True,
    )
    records: Records = json.loads((folder / "records.json").read_text())
    return records


def test_everything_that_is_stored_comes_back_from_a_backup(
    tools: Toolchain, tmp_path: Path
) -> None:
    """A backup that nobody ever restored is a hope."""
    backup = str(tmp_path / "backup")
    before = _in_emulators(tools, tmp_path / "a", "--export-on-exit", backup, fill=True)
    # Of each observations, counters and a key; of who erased everything, what a receipt is made of.
    assert len(before["documents"]) == 2 * (20 + 2 + 1) + 1
    assert before["documents"]["users/cleo/erasures/last"]["removed"] == 2
    assert len(before["photos"]) == 2 * 20
    restored = _in_emulators(tools, tmp_path / "b", "--import", backup, fill=False)
    assert restored == before
