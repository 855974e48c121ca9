"""One photo after the other: every way to send it, in turn with the limit."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from benchmarks.clients import WAYS, Ask, Phone
from benchmarks.results import PhotoResult, Spread, Way

if TYPE_CHECKING:
    from collections.abc import Sequence

    from urllib3 import BaseHTTPResponse

    from benchmarks.limit import Limit
    from benchmarks.photos import Sample
    from benchmarks.services import Say, Service

_SELDOM = 4  # the first version is slow: it is asked in every fourth round


def measure(  # noqa: PLR0913 - everything that is compared
    sample: Sample,
    limit: Limit,
    ours: Service,
    ways: Sequence[str],
    others: Sequence[Service],
    *,
    looks: int,
    rounds: int,
    say: Say,
) -> PhotoResult:
    """Ask everybody in every round. Raises WrongAnswer, HTTPError."""
    phone = Phone()
    asks = {name: WAYS[name](ours.url, sample) for name in ways}
    asks |= {service.name: service.ask(sample) for service in others}
    for ask in asks.values():  # warm up: connections, lazily built parts, TensorFlow's first runs
        limit.seconds(sample.data, looks=looks)
        phone.send(ask)
    taken = _Taken(asks, looks)
    for number in range(rounds):
        say(f"{sample.name}: round {number + 1} of {rounds}")
        taken.round(limit, sample, phone, all_of_them=number % _SELDOM == 0)
    return PhotoResult(
        photo=sample.name,
        megapixels=sample.width * sample.height / 1e6,
        megabytes=len(sample.data) / 1e6,
        rounds=rounds,
        looks=looks,
        limit_ms=Spread.ms([sum(pair) for pair in taken.limit]),
        limit_steps_ms={
            "decode": median(pair[0] for pair in taken.limit) * 1000,
            "forward": median(pair[1] for pair in taken.limit) * 1000,
        },
        ways=tuple(taken.way(name) for name in asks),
    )


def looks(service: Service, sample: Sample) -> int:
    """How often the service looks at this photo, as it says itself. Raises WrongAnswer."""
    seconds, response = Phone().send(service.ask(sample))
    return 2 if "look-again" in _steps(response, seconds) else 1


class _Taken:
    """What the rounds took, in seconds."""

    def __init__(self, asks: dict[str, Ask], looks: int) -> None:
        self._asks, self._looks = asks, looks
        self.limit: list[tuple[float, float]] = []
        self._seconds: dict[str, list[float]] = {name: [] for name in asks}
        self._ratios: dict[str, list[float]] = {name: [] for name in asks}
        self._steps: dict[str, list[dict[str, float]]] = {name: [] for name in asks}

    def round(self, limit: Limit, sample: Sample, phone: Phone, *, all_of_them: bool) -> None:
        """The limit before and after, so that a drift of the machine hits both."""
        before = limit.seconds(sample.data, looks=self._looks)
        taken: dict[str, float] = {}
        for name, ask in self._asks.items():
            if name == "first version" and not all_of_them:
                continue
            taken[name], response = phone.send(ask)
            self._steps[name].append(_steps(response, taken[name]))
        after = limit.seconds(sample.data, looks=self._looks)
        least = (sum(before) + sum(after)) / 2
        self.limit += [before, after]
        for name, seconds in taken.items():
            self._seconds[name].append(seconds)
            self._ratios[name].append(seconds / least)

    def way(self, name: str) -> Way:
        steps = self._steps[name]
        return Way(
            name,
            Spread.ms(self._seconds[name]),
            Spread.of(self._ratios[name]),
            {step: median(each[step] for each in steps) for step in steps[0]},
        )


def _steps(response: BaseHTTPResponse, seconds: float) -> dict[str, float]:
    """What the service reports for its steps; the rest is HTTP, parsing the body and the hash."""
    reported = response.headers.get("Server-Timing")
    if reported is None:
        return {}
    steps = {}
    for step in reported.split(", "):
        name, _, duration = step.partition(";dur=")
        steps[name] = float(duration)
    return {**steps, "rest": seconds * 1000 - sum(steps.values())}
