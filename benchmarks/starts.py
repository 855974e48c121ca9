"""Each function by itself: from its start to its first answer."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

import requests

from benchmarks import clients, services
from benchmarks.clients import Ask
from benchmarks.results import Spread, Start
from benchmarks.services import Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.photos import Sample
    from benchmarks.services import Say

TARGETS = {"classify": 0.7, "save": 0.5, "observations": 0.5}  # seconds
AS_SOMEBODY = {"Authorization": "Bearer local:benchmark"}
_users = itertools.count()


def measure(sample: Sample, ours: Service, *, times: int, say: Say) -> Iterator[Start]:
    """Start each function anew, so often. Raises WrongAnswer."""
    for function, target in TARGETS.items():
        seconds, resident = [], 0.0
        for number in range(times):
            say(f"start {number + 1} of functions/{function}")
            part = services.alone(ours, function)
            service = Service(function, part.url, part, ours.supervisor, ours.prepare)
            ask = _first(function, part.url, sample)
            started = time.perf_counter()
            ours.supervisor.start(part)
            clients.first_answer(ask)
            seconds.append(time.perf_counter() - started)
            resident = service.resident()
            ours.supervisor.kill(part.name)
        yield Start(function, Spread.of(seconds), target, resident)


def again(service: Service, sample: Sample, *, times: int, say: Say) -> Spread:
    """Another service's seconds from its start to its first answer. Raises WrongAnswer."""
    seconds = []
    for number in range(times):
        say(f"start {number + 1} of {service.name}")
        service.supervisor.kill(service.part.name)
        started = time.perf_counter()
        service.supervisor.start(service.part)
        clients.first_answer(service.ask(sample))
        seconds.append(time.perf_counter() - started)
    return Spread.of(seconds)


def _first(function: str, url: str, sample: Sample) -> Ask:
    if function == "classify":
        return Ask.multipart(url, sample)
    if function == "observations":
        return Ask(requests.Request("GET", url, headers=AS_SOMEBODY).prepare())
    somebody = {"Authorization": f"Bearer local:benchmark-{next(_users)}"}  # a new save each time
    return Ask(
        requests.Request(
            "POST",
            f"{url}/?species=nestor-notabilis",
            data=sample.data,
            headers={**somebody, "Content-Type": sample.media_type},
        ).prepare()
    )
