"""Eight clients at once, against what all cores could do with nothing but the work itself."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks import clients, simulation
from benchmarks.results import Cpu, Load, Spread
from benchmarks.services import cpu_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.photos import Sample
    from benchmarks.services import Say, Service

CLIENTS = 8


class Cores:
    """As many processes as there are cores, each one doing what `benchmarks.limit` does."""

    def __init__(self, workers: Sequence[subprocess.Popen[str]], folder: Path) -> None:
        self._workers, self._folder = workers, folder

    def per_second(self, sample: Sample, seconds: float, *, looks: int) -> float:
        """Photos per second of all cores, each looked at so often."""
        photo = self._folder / "photo"
        photo.write_bytes(sample.data)
        for worker in self._workers:
            assert worker.stdin is not None  # noqa: S101 - a pipe, see `cores`
            worker.stdin.write(f"{seconds} {looks} {photo}\n")
            worker.stdin.flush()
        return sum(float(_line(worker)) for worker in self._workers)


@contextmanager
def cores() -> Iterator[Cores]:
    """Start the processes; they end with the context."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        command = [sys.executable, "-m", "benchmarks.limit"]
        workers = []
        for _ in range(os.cpu_count() or 1):
            worker = subprocess.Popen(  # noqa: S603 - our own
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            stack.callback(_end, worker)
            workers.append(worker)
        for worker in workers:
            _line(worker)  # ready
        yield Cores(workers, folder)


def measure(  # noqa: PLR0913 - who is asked, for what, how often
    sample: Sample,
    limit: Cores,
    services: Sequence[Service],
    *,
    looks: int,
    bursts: int,
    seconds: float,
    say: Say,
) -> Iterator[Load]:
    """Bursts of all services in turn, each between two of the limit. Raises WrongAnswer."""
    taken = {service.name: _Taken() for service in services}
    limits = [limit.per_second(sample, seconds, looks=looks)]
    for number in range(bursts):
        for service in services:
            if service.name == "first version" and number:
                continue  # eight of its answers take ten seconds
            say(f"{sample.name}: {CLIENTS} clients ask {service.name}, {number + 1}")
            slow = service.name == "first version"
            total = CLIENTS if slow else max(CLIENTS, round(limits[-1] * seconds))
            rate, answers = clients.burst(service.ask(sample), clients=CLIENTS, total=total)
            limits.append(limit.per_second(sample, seconds, looks=looks))
            taken[service.name].add(rate, (limits[-2] + limits[-1]) / 2, answers)
    for name, bursts_taken in taken.items():
        yield Load(
            sample.name,
            CLIENTS,
            name,
            median(bursts_taken.rates),
            median(limits),
            Spread.of(bursts_taken.ratios),
            Spread.ms(bursts_taken.seconds),
        )


class _Taken:
    """What the bursts of one service took."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.ratios: list[float] = []
        self.seconds: list[float] = []

    def add(self, rate: float, least: float, seconds: list[float]) -> None:
        self.rates.append(rate)
        self.ratios.append(rate / least)
        self.seconds += seconds


def cpu(sample: Sample, functions: Service, model_server: Service, *, total: int) -> Cpu:
    """CPU of each process for one photo, and what the simulation makes of it here."""
    before = [cpu_seconds(service) for service in (functions, model_server)]
    own = time.process_time()
    rate, _ = clients.burst(functions.ask(sample), clients=CLIENTS, total=total)
    client = (time.process_time() - own) / total
    mine, model = (
        (cpu_seconds(service) - began) / total
        for service, began in zip((functions, model_server), before, strict=True)
    )
    predicted = simulation.closed(
        (client + mine, model), clients=CLIENTS, cores=os.cpu_count() or 1
    )
    return Cpu(sample.name, mine * 1000, model * 1000, client * 1000, rate, predicted)


def _line(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout is not None  # noqa: S101 - a pipe, see `cores`
    line = worker.stdout.readline().strip()
    if not line:
        raise OSError("a process that measures the limit ended")
    return line


def _end(worker: subprocess.Popen[str]) -> None:
    worker.kill()
    worker.communicate()
