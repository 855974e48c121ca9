"""How soon photos are answered: one after the other, then by eight clients at once.

Every service is asked in turn with the limit: what one photo costs without overhead.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from statistics import median

from benchmarks.clients import CLIENTS, WAYS, Connections, Prepared, burst, classify
from benchmarks.limit import Limit, per_second
from benchmarks.photos import PhotoFile
from benchmarks.results import Cpu, Latency, Load, PhotoResult, Spread
from benchmarks.services import Say, Services

_SELDOM = 4  # the first version is slow: it is asked in every fourth round
_SECONDS = 2.0  # of a burst, if it were as fast as the limit


def alone(
    sample: PhotoFile, limit: Limit, services: Services, *, rounds: int, say: Say
) -> PhotoResult:
    """Ask every service in every round. Raises WrongAnswer, HTTPError."""
    asks = _asks(sample, services)
    connections = Connections()
    for ask in asks.values():  # warm up: connections, lazily built parts, TensorFlow's first runs
        limit.seconds(sample)
        connections.send(ask)
    limits: list[float] = []
    taken, ratios = (defaultdict[str, list[float]](list) for _ in range(2))
    for number in range(rounds):
        say(f"{sample.name}: round {number + 1} of {rounds}")
        # The limit before and after, so that a drift of the machine hits both.
        before = limit.seconds(sample)
        answered = {
            name: connections.send(ask)[0]
            for name, ask in asks.items()
            if name != services.first_version.name or number % _SELDOM == 0
        }
        after = limit.seconds(sample)
        limits += [before, after]
        for name, seconds in answered.items():
            taken[name].append(seconds)
            ratios[name].append(seconds * 2 / (before + after))
    return PhotoResult(
        photo=sample.name,
        megapixels=sample.width * sample.height / 1e6,
        megabytes=len(sample.data) / 1e6,
        rounds=rounds,
        looks=sample.looks,
        limit_ms=Spread.of(limits, unit=1000),
        ways=tuple(
            Latency(name, Spread.of(taken[name], unit=1000), Spread.of(ratios[name]))
            for name in asks
        ),
    )


def looks(services: Services, sample: PhotoFile) -> int:
    """How often ours looks at this photo, as it says itself. Raises WrongAnswer."""
    _, response = Connections().send(services.ours.ask(sample))
    return 2 if "look-again" in response.headers["Server-Timing"] else 1


def together(
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


def _asks(sample: PhotoFile, services: Services) -> dict[str, Prepared]:
    """A JPEG goes to all, in every way. Nobody else looks twice, and HEIC is slow in every way."""
    plain = sample.is_jpeg and sample.looks == 1
    ways = WAYS if plain else WAYS[:1]
    others = (services.litserve, services.first_version) if plain else ()
    asks = {way: classify(services.ours.part.url, sample, way) for way in ways}
    return asks | {other.name: other.ask(sample) for other in others}
