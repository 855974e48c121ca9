"""The services that are compared, each running on this machine."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import psutil
import requests

from benchmarks.clients import Ask
from local import stack
from local.supervisor import Part, PartFailed, Supervisor, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.photos import Sample

    Say = Callable[[str], None]

READY_SECONDS = 120.0
ARTIFACTS = stack.ROOT / ".local" / "benchmark"
_MEBI = 2**20


@dataclass(frozen=True, slots=True)
class Service:
    """One of the services that are compared."""

    name: str
    url: str
    part: Part
    supervisor: Supervisor
    prepare: Callable[[str, Sample], Ask]

    def ask(self, sample: Sample) -> Ask:
        """The request that classifies this photo here."""
        return self.prepare(self.url, sample)

    def resident(self) -> float:
        """MiB of the process that answers: the largest that the part started."""
        return max(process.memory_info().rss for process in family(self)) / _MEBI


def family(service: Service) -> list[psutil.Process]:
    """The part's process and all that it started."""
    process = psutil.Process(service.supervisor.wait(service.part, READY_SECONDS))
    return [process, *process.children(recursive=True)]


def cpu_seconds(service: Service) -> float:
    """Seconds of CPU that the service's processes have used."""
    return sum(sum(process.cpu_times()[:2]) for process in family(service))


def build_first_version() -> None:
    """In a separate program, so that TensorFlow's memory goes with it. Raises PartFailed."""
    command = [sys.executable, "-m", "benchmarks.first_version", "build", str(ARTIFACTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise PartFailed(f"the first version's models cannot be built:\n{done.stderr[-2000:]}")


@contextmanager
def ours(folder: Path, say: Say) -> Iterator[tuple[Service, Service]]:
    """The local stack: its functions, and its model server."""
    with stack.running(folder / "ours", say=say) as running:
        supervisor = running.supervisor
        functions, server = (supervisor.part(name) for name in ("functions", "model server"))
        yield (
            Service("ours", running.url, functions, supervisor, Ask.multipart),
            Service("model server", server.url, server, supervisor, Ask.multipart),
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


@contextmanager
def litserve(folder: Path, say: Say) -> Iterator[Service]:
    """LitServe with the same model in one process."""
    say("starting LitServe")
    url = f"http://127.0.0.1:{free_port()}"
    part = Part(
        "LitServe",
        [sys.executable, "-m", "benchmarks.peer", url.rpartition(":")[2]],
        url,
        lambda: _answers(f"{url}/health"),
    )
    with Supervisor(folder / "litserve") as supervisor:
        supervisor.start(part)
        supervisor.wait(part, READY_SECONDS)
        yield Service("LitServe", url, part, supervisor, Ask.json)


def alone(ours: Service, function: str, **environment: str) -> Part:
    """One function as it is deployed: with functions-framework's command, not yet started."""
    url = f"http://127.0.0.1:{free_port()}"
    source = stack.ROOT / "functions" / function / "main.py"
    return replace(
        ours.part,
        name=f"{function} alone",
        command=[
            *(sys.executable, "-m", "functions_framework", "--source", str(source)),
            *("--target", function, "--host", "127.0.0.1", "--port", url.rpartition(":")[2]),
        ],
        url=url,
        ready=lambda: True,
        # Compiled once, as packages are when a function is built; some shells forbid it.
        environment={
            **ours.part.environment,
            "PYTHONDONTWRITEBYTECODE": "",
            **environment,
        },
    )


def _answers(url: str, *, status: int = requests.codes.ok) -> bool:
    try:
        return requests.get(url, timeout=5).status_code == status
    except requests.RequestException:
        return False
