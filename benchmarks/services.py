"""The two services that are compared, each running on this machine."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests

from benchmarks.clients import Ask
from local import stack
from local.supervisor import Part, PartFailed, Supervisor, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.photos import Sample

    Say = Callable[[str], None]

READY_SECONDS = 60.0
ARTIFACTS = stack.ROOT / ".local" / "benchmark"


@dataclass(frozen=True, slots=True)
class Service:
    """One of the two services that are compared."""

    name: str
    url: str
    part: Part
    supervisor: Supervisor
    prepare: Callable[[str, Sample], Ask]

    def ask(self, sample: Sample) -> Ask:
        """The request that classifies this photo here."""
        return self.prepare(self.url, sample)


def build_first_version() -> None:
    """In a separate program, so that TensorFlow's memory goes with it. Raises PartFailed."""
    command = [sys.executable, "-m", "benchmarks.first_version", "build", str(ARTIFACTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise PartFailed(f"the first version's models cannot be built:\n{done.stderr[-2000:]}")


@contextmanager
def ours(folder: Path, say: Say) -> Iterator[tuple[Service, str]]:
    """The local stack, and its model server's URL."""
    with stack.running(folder / "ours", say=say) as running:
        urls = {name: url for name, url, _pid in running.parts}
        part = running.supervisor.kill("functions")
        running.supervisor.start(part)
        running.supervisor.wait(part, READY_SECONDS)
        yield (
            Service("ours", running.url, part, running.supervisor, Ask.ours),
            urls["model server"],
        )


@contextmanager
def first_version(folder: Path, say: Say) -> Iterator[Service]:
    """The first version's Flask process, with its own instance of the same model server."""
    say("starting the first version")
    models, flask = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    server = Part(
        "first version's model server",
        [
            *(sys.executable, "-m", "models", "serve", "--base", str(ARTIFACTS / "models")),
            *("--port", models.rpartition(":")[2], "--poll-seconds", "0"),
        ],
        models,
        lambda: all(
            _answers(f"{models}/v1/models/{name}")
            for name in ("ParrotExtractor", "ParrotClassifier")
        ),
    )
    service = Part(
        "first version",
        [
            *(sys.executable, "-m", "benchmarks.first_version", "serve", str(ARTIFACTS)),
            *(flask.rpartition(":")[2], models),
        ],
        flask,
        lambda: _answers(flask, status=requests.codes.not_found),
    )
    with Supervisor(folder / "first-version") as supervisor:
        for part in (server, service):
            supervisor.start(part)
        for part in (server, service):
            supervisor.wait(part, READY_SECONDS)
        yield Service("first version", flask, service, supervisor, Ask.first_version)


def _answers(url: str, *, status: int = requests.codes.ok) -> bool:
    try:
        return requests.get(url, timeout=5).status_code == status
    except requests.RequestException:
        return False
