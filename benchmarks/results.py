"""The results of a run as records and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Spread:
    """The median, both quartiles and the 99th percentile."""

    median: float
    low: float
    high: float
    p99: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of one value or more."""
        low, median, high, p99 = np.percentile(values, (25, 50, 75, 99))
        return cls(float(median), float(low), float(high), float(p99))

    @classmethod
    def ms(cls, seconds: Sequence[float]) -> Spread:
        """Of seconds, in milliseconds."""
        return cls.of([value * 1000 for value in seconds])


@dataclass(frozen=True, slots=True)
class Way:
    """One way to send a photo to one of the services, one request at a time.

    The ratio to the limit is computed round by round, so that the machine's other load cancels out.
    """

    name: str
    ms: Spread
    to_limit: Spread
    steps_ms: dict[str, float]  # medians: what Server-Timing says, and the rest


@dataclass(frozen=True, slots=True)
class PhotoResult:
    """One photo, asked alone."""

    photo: str
    megapixels: float
    megabytes: float
    rounds: int
    looks: int  # 2 where the first one left the service in doubt; the limit looks as often
    limit_ms: Spread
    limit_steps_ms: dict[str, float]  # medians: decode, forward
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """Several clients at once."""

    photo: str
    clients: int
    service: str
    per_second: float
    limit_per_second: float  # decoding and forward passes on all cores, and nothing else
    to_limit: Spread  # burst by burst
    ms: Spread


@dataclass(frozen=True, slots=True)
class Cpu:
    """Milliseconds of CPU for one photo, in each process."""

    photo: str
    functions: float
    model_server: float
    client: float
    per_second: float  # measured while this was taken
    predicted_per_second: float  # by the simulation, from these times


@dataclass(frozen=True, slots=True)
class Start:
    """A function by itself, as it is deployed: from its start to its first answer."""

    function: str
    seconds: Spread
    target: float | None
    resident: float  # MiB after that answer


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of 20 observations."""

    observations: int
    page: int
    ms: Spread


@dataclass(frozen=True, slots=True)
class Fleet:
    """What a number of photos per second needs, by simulation."""

    photos_per_second: int
    functions: int  # instances
    model_servers: int
    ms: Spread
    dollars_per_hour: float
    dollars_per_million: float


@dataclass(frozen=True, slots=True)
class Results:
    """One run."""

    date: str
    cores: int | None
    load_average: float  # of the machine when the run began: what else it had to do
    photos: tuple[PhotoResult, ...]
    loads: tuple[Load, ...]
    cpu: tuple[Cpu, ...]
    wire_kb: dict[str, tuple[float, float]]  # to the model server and back
    resident: dict[str, float]  # MiB
    starts: tuple[Start, ...]
    lists: tuple[Listing, ...]
    fleets: tuple[Fleet, ...]

    def as_json(self) -> str:
        """One object on one line."""
        return json.dumps(asdict(self), ensure_ascii=False)
