"""One run: start both services, ask them in turn, restart them, put load on them, stop them."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import psutil
import requests

from benchmarks import clients, first_version, services
from benchmarks.clients import Ask, Phone
from benchmarks.limit import Limit
from benchmarks.results import Pair, PhotoResult, Results, Spread
from benchmarks.services import ARTIFACTS, READY_SECONDS
from local import stack
from local.supervisor import free_port
from parrot import images
from parrot.adapters.model_server import TfServing, pooled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.photos import Sample
    from benchmarks.services import Say, Service
    from local.supervisor import Part, Supervisor

CLIENTS = 8
_OURS_A_ROUND = 3  # cheap, so measured more often than the first version
_RESTARTS = 2
_TOGETHER = {"ours": 48, "first version": 8}  # requests of all clients in one burst
_BURSTS = 2
_MEBI = 2**20


def run(samples: Sequence[Sample], *, rounds: int, say: Say) -> Results:
    """Measure everything. Raises PartFailed, WrongAnswer, BadBundle."""
    if not first_version.is_built(ARTIFACTS):
        say("building the first version's models (once)")
        services.build_first_version()
    # The same photo is sent again and again: answers from the cache would measure nothing.
    os.environ["CLASSIFY_CACHE"] = "0"
    with (
        TemporaryDirectory(prefix="benchmark-") as folder,
        services.ours(Path(folder), say) as (ours, models_url),
        services.first_version(Path(folder), say) as first,
    ):
        say("loading TensorFlow for the limit")
        limit = Limit(stack.DEFAULT_BUNDLE, stack.MODELS)
        photos = tuple(
            _one_photo(sample, limit, ours, first, rounds=rounds, say=say) for sample in samples
        )
        pairs = [
            *_throughput(samples, ours, first, say),
            *_wire(samples[0], limit, models_url, first),
            _memory(ours, first),
            _starts(samples[-1], ours, first, say),
        ]
        alone = _alone(samples, ours, say)
        say("stopping")
    return Results(
        date=datetime.now(UTC).date().isoformat(),
        rounds=rounds,
        cores=os.cpu_count(),
        photos=photos,
        pairs=tuple(pairs),
        alone=alone,
    )


def _one_photo(  # noqa: PLR0913 - everything that is compared
    sample: Sample, limit: Limit, ours: Service, first: Service, *, rounds: int, say: Say
) -> PhotoResult:
    phone = Phone()
    ask, ask_first = ours.ask(sample), first.ask(sample)
    for _ in range(2):  # warm up: connections, lazily built parts, TensorFlow's first runs
        limit.seconds(sample)
        phone.send(ask)
        phone.send(ask_first)
    decode, forward, total, steps, old = [], [], [], [], []
    to_limit, to_ours = [], []
    for number in range(rounds):
        say(f"{sample.name}: round {number + 1} of {rounds}")
        ways, mine = [], []
        for _ in range(_OURS_A_ROUND):
            ways.append(limit.seconds(sample))
            seconds, response = phone.send(ask)
            mine.append(seconds)
            steps.append(_server_timing(response, seconds))
        seconds, _ = phone.send(ask_first)
        least = median(map(sum, ways))
        to_limit.append(median(mine) / least)
        to_ours.append(seconds / median(mine))
        decode += [way[0] for way in ways]
        forward += [way[1] for way in ways]
        total += mine
        old.append(seconds)
    return PhotoResult(
        photo=sample.name,
        megapixels=sample.width * sample.height / 1e6,
        megabytes=len(sample.data) / 1e6,
        limit_ms=_ms([sum(pair) for pair in zip(decode, forward, strict=True)]),
        ours_ms=_ms(total),
        first_version_ms=_ms(old),
        ours_to_limit=Spread.of(to_limit),
        first_version_to_ours=Spread.of(to_ours),
        limit_steps_ms={"decode": median(decode) * 1000, "forward": median(forward) * 1000},
        ours_steps_ms={name: median(step[name] for step in steps) for name in steps[0]},
    )


def _ms(seconds: Sequence[float]) -> Spread:
    return Spread.of([value * 1000 for value in seconds])


def _server_timing(response: requests.Response, seconds: float) -> dict[str, float]:
    """What the service reports for its steps; the rest is HTTP, parsing the form and the hash."""
    steps = {}
    for step in response.headers["Server-Timing"].split(", "):
        name, _, duration = step.partition(";dur=")
        steps[name] = float(duration)
    return {**steps, "rest": seconds * 1000 - sum(steps.values())}


def _throughput(
    samples: Sequence[Sample], ours: Service, first: Service, say: Say
) -> Iterator[Pair]:
    for sample in samples:
        found: dict[str, list[float]] = {ours.name: [], first.name: []}
        for burst in range(_BURSTS):
            for service in (ours, first):
                say(f"{sample.name}: {CLIENTS} clients ask {service.name}, {burst + 1}")
                total = _TOGETHER[service.name]
                rate = clients.per_second(service.ask(sample), clients=CLIENTS, total=total)
                found[service.name].append(rate)
        mine, old = median(found[ours.name]), median(found[first.name])
        yield Pair(f"{CLIENTS} clients, {sample.name}", "photos/s", mine, old, mine / old)


def _wire(sample: Sample, limit: Limit, models_url: str, first: Service) -> Iterator[Pair]:
    """Bodies between the functions and the model server, as sent."""
    counted: list[tuple[int, int]] = []

    def count(response: requests.Response, *_: object, **__: object) -> None:
        if response.request.method == "POST":
            sent = len(response.request.body or b"")
            counted.append((sent, int(response.headers["Content-Length"])))

    session = pooled(requests.Session())
    session.hooks["response"].append(count)
    raster = images.pixels(images.read(sample.data), limit.served.input)
    server = TfServing(models_url, session, timeout=READY_SECONDS)
    server.predict(limit.served, images.payload(raster, limit.served.input))
    _, response = Phone().send(first.ask(sample))
    (sent, received) = counted[0]
    old_sent, old_received = (
        int(response.headers[name]) for name in (first_version.SENT, first_version.RECEIVED)
    )
    yield Pair("to the model server", "kB", sent / 1e3, old_sent / 1e3, old_sent / sent)
    yield Pair("and back", "kB", received / 1e3, old_received / 1e3, old_received / received)


def _memory(ours: Service, first: Service) -> Pair:
    mine, old = (_resident(_pid(service)) for service in (ours, first))
    return Pair("resident memory", "MiB", mine, old, old / mine)


def _pid(service: Service) -> int:
    return service.supervisor.wait(service.part, READY_SECONDS)


def _resident(pid: int) -> float:
    """MiB of the process that answers: the largest that the part started."""
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    return float(max(member.memory_info().rss for member in family)) / _MEBI


def _starts(sample: Sample, ours: Service, first: Service, say: Say) -> Pair:
    found: dict[str, list[float]] = {ours.name: [], first.name: []}
    for number in range(_RESTARTS):
        for service in (ours, first):
            say(f"start {number + 1} of {service.name}")
            service.supervisor.kill(service.part.name)
            found[service.name].append(
                _start(service.supervisor, service.part, service.ask(sample))
            )
    mine, old = median(found[ours.name]), median(found[first.name])
    return Pair("start to first answer", "s", mine, old, old / mine)


def _start(supervisor: Supervisor, part: Part, ask: Ask) -> float:
    started = time.perf_counter()
    supervisor.start(part)
    clients.first_answer(ask)
    return time.perf_counter() - started


def _alone(samples: Sequence[Sample], ours: Service, say: Say) -> dict[str, float]:
    """The classify function alone, with functions-framework's command and without the gateway."""
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    source = stack.ROOT / "functions" / "classify" / "main.py"
    part = replace(
        ours.part,
        name="classify",
        command=[
            *(sys.executable, "-m", "functions_framework", "--source", str(source)),
            *("--target", "classify", "--host", "127.0.0.1", "--port", port),
        ],
        url=url,
        ready=lambda: True,
    )
    found = []
    for number in range(_RESTARTS):
        say(f"start {number + 1} of functions/classify")
        found.append(_start(ours.supervisor, part, Ask.ours(url, samples[-1])))
        if number + 1 < _RESTARTS:
            ours.supervisor.kill(part.name)
    clients.per_second(Ask.ours(url, samples[0]), clients=CLIENTS, total=CLIENTS)
    memory = _resident(ours.supervisor.wait(part, READY_SECONDS))
    ours.supervisor.kill(part.name)
    return {"seconds to first answer": median(found), "resident MiB": memory}
