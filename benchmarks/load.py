"""Eight clients at once, compared with what all cores could do without overhead."""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from statistics import median

from benchmarks.clients import CLIENTS, burst
from benchmarks.limit import per_second
from benchmarks.photos import PhotoFile
from benchmarks.results import Cpu, Load, Spread
from benchmarks.services import Say, Services

_SECONDS = 2.0  # of a burst, if it were as fast as the limit


def measure(
    sample: PhotoFile,
    cores: Sequence[ProcessPoolExecutor],
    services: Services,
    *,
    bursts: int,
    say: Say,
) -> Iterator[Load]:
    """Bursts of all services in turn, each between two of the limit. Raises WrongAnswer."""
    say(f"{sample.name}: one process for each core")
    per_second(cores, sample, 0)  # they load TensorFlow
    limits = [per_second(cores, sample, _SECONDS)]
    rates, ratios, seconds = (defaultdict[str, list[float]](list) for _ in range(3))
    for number in range(bursts):
        for service in (services.ours, services.litserve, services.first_version):
            slow = service is services.first_version
            if slow and number:
                continue  # eight of its answers take ten seconds
            say(f"{sample.name}: {CLIENTS} clients ask {service.name}, {number + 1}")
            total = CLIENTS if slow else max(CLIENTS, round(limits[-1] * _SECONDS))
            rate, answers = burst(service.ask(sample), total)
            limits.append(per_second(cores, sample, _SECONDS))
            rates[service.name].append(rate)
            ratios[service.name].append(rate * 2 / sum(limits[-2:]))
            seconds[service.name] += answers
    for name in rates:
        yield Load(
            photo=sample.name,
            clients=CLIENTS,
            service=name,
            per_second=median(rates[name]),
            limit_per_second=median(limits),
            to_limit=Spread.of(ratios[name]),
            ms=Spread.of(seconds[name], unit=1000),
        )


def cpu(sample: PhotoFile, services: Services, *, total: int) -> Cpu:
    """CPU of each process for one photo, while eight clients ask. Raises WrongAnswer."""
    processes = (services.ours.cpu_seconds, services.model_server.cpu_seconds, time.process_time)
    before = [used() for used in processes]
    rate, _ = burst(services.ours.ask(sample), total)
    functions, model, client = (
        (used() - begun) / total * 1000 for used, begun in zip(processes, before, strict=True)
    )
    return Cpu(sample.name, functions, model, client, rate)
