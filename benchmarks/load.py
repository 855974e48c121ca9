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

    def __init__(self, workers: Sequence[subprocess.Popen[str]]) -> None:
        self._workers = workers

    def per_second(self, seconds: float) -> float:
        """Photos per second of all cores."""
        for worker in self._workers:
            assert worker.stdin is not None  # noqa: S101 - a pipe, see `cores`
            worker.stdin.write(f"{seconds}\n")
            worker.stdin.flush()
        return sum(int(_line(worker)) for worker in self._workers) / seconds


@contextmanager
def cores(sample: Sample) -> Iterator[Cores]:
    """Start the processes; they end with the context."""
    with ExitStack() as stack:
        photo = Path(stack.enter_context(TemporaryDirectory())) / "photo"
        photo.write_bytes(sample.data)
        command = [sys.executable, "-m", "benchmarks.limit", str(photo)]
        workers = []
        for _ in range(os.cpu_count() or 1):
            worker = subprocess.Popen(  # noqa: S603 - our own
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            stack.callback(_end, worker)
            workers.append(worker)
        for worker in workers:
            _line(worker)  # ready
        yield Cores(workers)


def measure(
    sample: Sample, services: Sequence[Service], *, bursts: int, seconds: float, say: Say
) -> Iterator[Load]:
    """Bursts of all services in turn, each beside one of the limit. Raises WrongAnswer."""
    rates: dict[str, list[float]] = {service.name: [] for service in services}
    ratios: dict[str, list[float]] = {service.name: [] for service in services}
    taken: dict[str, list[float]] = {service.name: [] for service in services}
    limits = []
    with cores(sample) as limit:
        for number in range(bursts):
            for service in services:
                say(f"{sample.name}: {CLIENTS} clients ask {service.name}, {number + 1}")
                least = limit.per_second(seconds)
                total = max(CLIENTS, round(least * seconds))
                if service.name == "first version":
                    total = CLIENTS
                rate, answers = clients.burst(service.ask(sample), clients=CLIENTS, total=total)
                least = (least + limit.per_second(seconds)) / 2
                limits.append(least)
                rates[service.name].append(rate)
                ratios[service.name].append(rate / least)
                taken[service.name] += answers
    for name, found in rates.items():
        yield Load(
            sample.name,
            CLIENTS,
            name,
            median(found),
            median(limits),
            Spread.of(ratios[name]),
            Spread.ms(taken[name]),
        )


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
