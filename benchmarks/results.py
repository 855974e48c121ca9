"""The results of a run; their names are the keys of `--json`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Spread:
    """The median, both quartiles and the 99th percentile."""

    median: float
    low: float
    high: float
    p99: float

    @classmethod
    def of(cls, values: Sequence[float], *, unit: float = 1.0) -> Spread:
        """Of one value or more; `unit` 1000 makes milliseconds of seconds."""
        return cls(*(np.percentile(values, (50, 25, 75, 99)) * unit).tolist())


@dataclass(frozen=True, slots=True)
class Latency:
    """One way to send a photo to one of the services, one request at a time.

    The ratio to the limit is computed round by round, so that the machine's other load cancels out.
    """

    name: str
    ms: Spread
    to_limit: Spread


@dataclass(frozen=True, slots=True)
class PhotoResult:
    """One photo, asked alone."""

    photo: str
    megapixels: float
    megabytes: float
    rounds: int
    looks: int  # 2 where the first one left the service in doubt; the limit looks as often
    limit_ms: Spread
    ways: Sequence[Latency]


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


@dataclass(frozen=True, slots=True)
class Start:
    """From the start of a function by itself, or of another service, to its first answer."""

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
class Run:
    """One run."""

    date: str
    cores: int | None
    load_average: float  # of the machine when the run began: what else it had to do
    photos: Sequence[PhotoResult]
    loads: Sequence[Load]
    cpu: Sequence[Cpu]
    starts: Sequence[Start]
    lists: Sequence[Listing]
