"""One run: start all services, ask them in turn, put load on them, restart them, stop them."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks import (
    first_version,
    latency,
    lists,
    load,
    services,
    simulation,
    starts,
)
from benchmarks.clients import WAYS, Phone
from benchmarks.limit import Limit
from benchmarks.results import Results, Start
from benchmarks.services import ARTIFACTS, READY_SECONDS
from local import stack
from parrot.adapters.model_server import TfServing, unsigned
from parrot.photo import images

if TYPE_CHECKING:
    from collections.abc import Sequence

    from urllib3 import BaseHTTPResponse

    from benchmarks.photos import Sample
    from benchmarks.results import Cpu
    from benchmarks.services import Say, Service


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    rounds: int
    bursts: int
    burst_seconds: float
    starts: int  # of each function
    restarts: int  # of the others
    pages: int


QUICK = Effort(rounds=10, bursts=3, burst_seconds=2.0, starts=3, restarts=1, pages=20)
FULL = Effort(rounds=100, bursts=8, burst_seconds=4.0, starts=10, restarts=5, pages=200)


def run(samples: Sequence[Sample], effort: Effort, *, say: Say) -> Results:
    """Measure everything. Raises PartFailed, WrongAnswer, BadBundle."""
    if not first_version.is_built(ARTIFACTS):
        say("building the first version's models (once)")
        services.build_first_version()
    # The same photo is sent again and again: answers from the cache would measure nothing.
    os.environ["CLASSIFY_CACHE"] = "0"
    busy = os.getloadavg()[0]
    with ExitStack() as context:
        folder = Path(context.enter_context(TemporaryDirectory(prefix="benchmark-")))
        ours, server = context.enter_context(services.ours(folder, say))
        first = context.enter_context(services.first_version(folder, say))
        peer = context.enter_context(services.litserve(folder, say))
        say("loading TensorFlow for the limit")
        limit = Limit(stack.DEFAULT_BUNDLE, stack.MODELS)
        looks = {sample.name: latency.looks(ours, sample) for sample in samples}
        photos = []
        for sample in samples:
            jpeg = sample.media_type == "image/jpeg"
            ways = list(WAYS) if jpeg else ["multipart"]  # HEIC is slow, and slow in every way
            others = [peer, first] if jpeg else [peer]
            if looks[sample.name] > 1:  # nobody else looks twice
                ways, others = ["multipart"], []
            photos.append(
                latency.measure(
                    *(sample, limit, ours, ways, others),
                    looks=looks[sample.name],
                    rounds=effort.rounds,
                    say=say,
                )
            )
        # The first two sizes, and of photos that are looked at once, if there are any.
        shown = sorted(samples, key=lambda sample: looks[sample.name])[:2]
        say("starting one process for each core")
        cores = context.enter_context(load.cores())
        loads = [
            result
            for sample in shown
            for result in load.measure(
                sample,
                cores,
                [ours, peer, first] if sample is shown[0] else [ours, peer],
                looks=looks[sample.name],
                bursts=effort.bursts,
                seconds=effort.burst_seconds,
                say=say,
            )
        ]
        cpu = tuple(load.cpu(sample, ours, server, total=16 * effort.bursts) for sample in shown)
        resident = {
            "ours: functions": ours.resident(),
            "ours: model server": server.resident(),
            "LitServe": peer.resident(),
            "first version": first.resident(),
        }
        begun = [
            *starts.measure(shown[-1], ours, times=effort.starts, say=say),
            *(
                Start(
                    service.name,
                    starts.again(service, shown[-1], times=effort.restarts, say=say),
                    None,
                    service.resident(),
                )
                for service in (peer, first)
            ),
        ]
        pages = tuple(lists.measure(folder, ours, times=effort.pages, say=say))
        wire = _wire(shown[0], limit, server.url, first)
        say("simulating")
        fleets = tuple(simulation.fleet(rate, _times(cpu)) for rate in simulation.RATES)
        say("stopping")
    return Results(
        date=datetime.now(UTC).date().isoformat(),
        cores=os.cpu_count(),
        load_average=busy,
        photos=tuple(photos),
        loads=tuple(loads),
        cpu=cpu,
        wire_kb=wire,
        resident=resident,
        starts=tuple(begun),
        lists=pages,
        fleets=fleets,
    )


def _times(cpu: Sequence[Cpu]) -> simulation.Times:
    """Of the first photo, which is the largest: what the fleet must be able to do."""
    return simulation.Times(cpu[0].functions / 1000, cpu[0].model_server / 1000)


def _wire(
    sample: Sample, limit: Limit, models_url: str, first: Service
) -> dict[str, tuple[float, float]]:
    """Kilobytes between each service and its model server, as sent."""
    counter = _Counter()
    raster = images.pixels(images.read(sample.data), limit.served.input)
    server = TfServing(models_url, counter, timeout=READY_SECONDS)
    server.predict(limit.served, [images.payload(raster, limit.served.input)])
    _, response = Phone().send(first.ask(sample))
    sent, received = (
        int(response.headers[name]) / 1e3 for name in (first_version.SENT, first_version.RECEIVED)
    )
    return {"ours": counter.kilobytes[0], "first version": (sent, received)}


class _Counter:
    """Counts what travels to a model server and back."""

    def __init__(self) -> None:
        self.kilobytes: list[tuple[float, float]] = []
        self._http = unsigned()

    def urlopen(
        self,
        method: str,
        url: str,
        *,
        redirect: bool,
        **options: Any,  # noqa: ANN401 - as in urllib3
    ) -> BaseHTTPResponse:
        response = self._http.urlopen(method, url, redirect=redirect, **options)
        if method == "POST":
            sent, received = len(options["body"]), int(response.headers["Content-Length"])
            self.kilobytes.append((sent / 1e3, received / 1e3))
        return response
