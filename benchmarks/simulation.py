"""How many instances a number of photos per second needs, from the times that were measured.

Two stations in a row: functions (one core each), then model servers. Photos arrive at random
(Poisson); each waits for the first core that is free. All instances of a station share one queue,
as with a load balancer that knows who is idle, so this is the best case: instances that start
late, a busy network and photos of other sizes cost more.
"""

from __future__ import annotations

import csv
import heapq
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.results import Fleet, Spread

if TYPE_CHECKING:
    from collections.abc import Sequence

RATES = (1, 100, 10_000)  # photos per second
MODEL_CORES = 4
FUNCTION_GIB, MODEL_GIB = 1.0, 4.0
WAITING_SECONDS = 0.25  # what queues may add for 99 of 100 photos
_PHOTOS = 20_000
_PRICES = Path(__file__).parent.parent / "deploy" / "prices.csv"
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of one core for one photo."""

    function: float
    model: float


def fleet(rate: int, times: Times) -> Fleet:
    """The smallest fleet in which queues add less than WAITING_SECONDS for 99 % of photos."""
    most = times.function + times.model + WAITING_SECONDS
    arrivals = _arrivals(rate)
    # Each station is sized with the other one idle, then both grow until they suffice together.
    functions = _enough(arrivals, times.function, 1, most - times.model)
    servers = _enough(arrivals, times.model, MODEL_CORES, most - times.function)
    while True:
        seconds = _through(arrivals, (times.function, times.model), (functions, servers))
        spread = Spread.ms(seconds)
        if spread.p99 <= most * 1000:
            break
        functions, servers = functions + max(1, functions // 100), servers + max(1, servers // 100)
    hour = _HOUR * (
        functions * (_price("run.cpu") + FUNCTION_GIB * _price("run.memory"))
        + servers * (MODEL_CORES * _price("run.cpu") + MODEL_GIB * _price("run.memory"))
    ) + _HOUR * rate * 2 * _price("run.requests")
    return Fleet(rate, functions, servers, spread, hour, hour / (_HOUR * rate) * 1e6)


def closed(steps: Sequence[float], *, clients: int, cores: int) -> float:
    """Photos per second where so many clients ask again at once, and all steps share the cores."""
    free = [0.0] * cores
    # When it is ready, whose it is, and the step that comes next.
    waiting = [(0.0, client, 0) for client in range(clients)]
    done, now = 0, 0.0
    while done < _PHOTOS // 10:
        ready, client, step = heapq.heappop(waiting)
        start = max(ready, heapq.heappop(free))
        end = start + steps[step]
        heapq.heappush(free, end)
        following = (step + 1) % len(steps)
        if following == 0:
            done, now = done + 1, max(now, end)
        heapq.heappush(waiting, (end, client, following))
    return done / now


def _enough(arrivals: Sequence[float], work: float, cores: int, most: float) -> int:
    """The fewest instances of one station."""
    rate = len(arrivals) / arrivals[-1]
    few = max(1, int(rate * work / cores))
    many = few
    while _p99(_through(arrivals, (work,), (many * cores,))) > most:
        few, many = many, many * 2
    while many - few > 1:
        middle = (few + many) // 2
        if _p99(_through(arrivals, (work,), (middle * cores,))) > most:
            few = middle
        else:
            many = middle
    return many


def _through(
    arrivals: Sequence[float], works: Sequence[float], stations: Sequence[int]
) -> list[float]:
    """Seconds from arrival to answer, in the order of arrival."""
    ready = list(arrivals)
    for number, (work, instances) in enumerate(zip(works, stations, strict=True)):
        servers = instances * (MODEL_CORES if number else 1)
        free = [0.0] * servers
        # The same work for each photo: whoever comes first is done first.
        ready = [_served(free, when, work) for when in ready]
    return [end - came for came, end in zip(arrivals, ready, strict=True)]


def _served(free: list[float], when: float, work: float) -> float:
    end = max(when, free[0]) + work
    heapq.heapreplace(free, end)
    return end


def _arrivals(rate: int) -> list[float]:
    rng, now, arrivals = random.Random(rate), 0.0, []
    for _ in range(_PHOTOS):
        now += rng.expovariate(rate)
        arrivals.append(now)
    return arrivals


def _p99(seconds: list[float]) -> float:
    return Spread.of(seconds).p99


def _price(item: str) -> float:
    with _PRICES.open(encoding="utf-8", newline="") as file:
        return next(float(row["usd"]) for row in csv.DictReader(file) if row["item"] == item)
