"""A checkout to deploy from, and the stand-in cloud that it is deployed to."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import commands

ROOT = Path(__file__).parents[2]
PROJECT, REGION = "demo-parrot", "asia-northeast3"
LEARNING = ("--set", "LEARNING=true")
_STAND_IN = Path(__file__).parent / "stand_in"


def sdk() -> Path | None:
    """The root of the Google Cloud SDK, or None where it is not installed."""
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        return None
    return Path(gcloud).resolve().parents[1]


def sdk_python(root: Path) -> str:
    """The Python that gcloud runs under."""
    bundled = root / "platform/bundledpythonunix/bin/python3"
    return str(bundled) if bundled.exists() else sys.executable


def checkout(folder: Path) -> Path:
    """A clone of this repository's last commit, with deploy.sh and deploy/ as they are here."""
    clone = folder / "checkout"
    subprocess.run(["git", "clone", "--quiet", "--shared", str(ROOT), str(clone)], check=True)
    for name in ("deploy.sh", "deploy.env.example"):
        shutil.copy2(ROOT / name, clone / name)
    shutil.copytree(ROOT / "deploy", clone / "deploy", dirs_exist_ok=True)
    return clone


@dataclass(frozen=True)
class Deployed:
    """The state of the cloud after a deployment, and the commands that made it."""

    state: str
    calls: list[list[str]]


class Project:
    """deploy.sh in a checkout of its own, against the stand-in."""

    def __init__(self, folder: Path, port: str) -> None:
        self.root = checkout(folder)
        self._bin = folder / "bin"
        self._bin.mkdir()
        for name in ("gcloud", "firebase", "curl", "npm", "control"):
            (self._bin / name).symlink_to(_STAND_IN / "shim")
        # A version manager's python3.11 on PATH takes longer to start than some runs take.
        (self._bin / "python3.11").symlink_to(Path(sys.executable).resolve())
        (self.root / "dev.sh").unlink()
        (self.root / "dev.sh").symlink_to(_STAND_IN / "shim")
        self._env = {
            "PATH": f"{self._bin}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "STAND_IN_PORT": port,
            "STAND_IN_CLOUD": str(folder),
        }

    def run(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """One run of deploy.sh."""
        where = ("--project", PROJECT, "--region", REGION, "--set", "RETRY_SECONDS=0")
        return commands.done(
            "./deploy.sh", *where, *arguments, cwd=self.root, env=self._env, typed=typed
        )

    def done(self, *arguments: str, typed: str = "") -> str:
        """What a run that must succeed says."""
        result = self.run(*arguments, typed=typed)
        assert result.returncode == 0, result.stderr
        return result.stderr

    def refused(self, *arguments: str, typed: str = "") -> str:
        """What a run that must fail says."""
        result = self.run(*arguments, typed=typed)
        assert result.returncode == 1, result.stderr
        return result.stderr

    def control(self, *words: str) -> Any:
        """Ask the stand-in itself: `calls`, `fail`, `put`, `drop`, `reset`."""
        return json.loads(commands.printed(self._bin / "control", *words, env=self._env))

    def change(self, kind: str, name: str, **fields: Any) -> None:
        """Change fields of what is in the stand-in's cloud, as somebody else would."""
        changed = {**self.state()[kind][name], **fields}
        self.control("put", kind, name, json.dumps(changed))

    def state(self) -> dict[str, Any]:
        """Everything in the stand-in's cloud."""
        state: dict[str, Any] = self.control("state")
        return state

    def again(self, *words: str) -> str:
        """Run what was done before: nothing is left to change."""
        self.changes()
        said = self.done(*words)
        assert self.changes() == []
        return said

    def changes(self) -> list[list[str]]:
        """The commands since the last look that changed something."""
        return [call["words"] for call in self.control("calls") if call["changed"]]

    def traffic(self, service: str) -> dict[str, int]:
        """Per cent by revision of those that serve."""
        targets = self.state()["services"][service]["status"]["traffic"]
        return {t["revisionName"]: t["percent"] for t in targets if t.get("percent")}

    def next_bundle(self, version: str = "next", model: str | None = None) -> None:
        """Give the checkout's bundle another version, and its model too if one is given."""
        path = self.root / "models/default/manifest.json"
        manifest = json.loads(path.read_text())
        manifest["version"] = version
        if model is not None:
            manifest["models"][0]["version"] = model
        path.write_text(json.dumps(manifest))

    def commit(self, path: str, text: str) -> None:
        """Change a file in the checkout, as a developer would."""
        (self.root / path).write_text(text)
        git = ["git", "-C", str(self.root), "-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run([*git, "add", path], check=True)
        subprocess.run([*git, "commit", "--quiet", "-m", "Change a file"], check=True)


@contextmanager
def cloud(folder: Path, root: Path) -> Iterator[str]:
    """The port of a stand-in, in which each Project finds an empty cloud of its own."""
    env = {**os.environ, "CLOUDSDK_ROOT": str(root), "CLOUDSDK_CONFIG": str(folder / "config")}
    env.pop("PYTHONPATH", None)
    with subprocess.Popen(
        [sdk_python(root), "-S", str(_STAND_IN / "server.py")],
        stdin=subprocess.PIPE,  # when it closes the server ends, also if pytest is killed
        stdout=subprocess.PIPE,
        text=True,
        env=env,
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
