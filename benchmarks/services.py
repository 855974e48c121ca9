"""The services that are compared, all running on this machine."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks import first_version
from benchmarks.clients import Prepared, classify
from benchmarks.limit import process
from benchmarks.photos import PhotoFile
from local import stack
from local.supervisor import Part, Supervisor, free_url, listens

Say = Callable[[str], None]

_READY_SECONDS = 120.0
_MEBI = 2**20


@dataclass(frozen=True, slots=True)
class Service:
    """One of the services that are compared."""

    name: str
    part: Part
    supervisor: Supervisor
    prepare: Callable[[str, PhotoFile], Prepared]

    def ask(self, sample: PhotoFile) -> Prepared:
        """The request that sends this photo here."""
        return self.prepare(self.part.url, sample)

    def resident(self) -> float:
        """MiB of the process that answers: the largest that the part started."""
        return max(process.memory_info().rss for process in self._family()) / _MEBI

    def cpu_seconds(self) -> float:
        """Seconds of CPU that its processes have used."""
        return sum(sum(process.cpu_times()[:2]) for process in self._family())

    def _family(self) -> list[psutil.Process]:
        process = psutil.Process(self.supervisor.pid(self.part.name))
        return [process, *process.children(recursive=True)]


class Services(NamedTuple):
    """All of them, and the model server that ours asks."""

    ours: Service
    model_server: Service
    litserve: Service
    first_version: Service


@contextmanager
def running(folder: Path, say: Say) -> Iterator[Services]:
    """Start all of them, and wait until they listen. Raises PartFailed."""
    with stack.running(folder / "ours", say=say) as ours:
        say("building the first version's models")
        artifacts = folder / "first-version"
        with process() as builder:
            builder.submit(first_version.build, artifacts).result()
        # The first version has an instance of the same model server to itself.
        base = ("--base", artifacts / "models", "--poll-seconds", 0)
        models = program("models", "serve", *base, "--port")
        flask = program("benchmarks.first_version", artifacts, models.url)
        litserve = program("benchmarks.peer")
        for part in (models, flask, litserve):
            ours.supervisor.start(part)
        for part in (models, flask, litserve):
            say(f"waiting for {part.name}")
            ours.supervisor.wait(part, _READY_SECONDS)

        functions, model_server = map(ours.supervisor.part, ("functions", "model server"))
        yield Services(
            Service("ours", functions, ours.supervisor, classify),
            Service("model server", model_server, ours.supervisor, classify),
            Service("LitServe", litserve, ours.supervisor, partial(classify, way="JSON")),
            Service("first version", flask, ours.supervisor, partial(classify, way="form b64")),
        )


def program(module: str, *arguments: object) -> Part:
    """A Python program that takes its port as the last argument."""
    url = free_url()
    command = [sys.executable, "-m", module, *map(str, arguments), url.rpartition(":")[2]]
    return Part(module, command, url, lambda: listens(url))
