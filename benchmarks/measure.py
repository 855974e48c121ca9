"""One run: start all services, ask them in turn, put load on them, restart them, stop them."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import clients, functions, latency, load, services
from benchmarks.limit import Limit, process
from benchmarks.photos import PhotoFile
from benchmarks.results import Run
from benchmarks.services import Say
from local.samples import MACAW


def run(given: Sequence[PhotoFile], times: int, *, say: Say) -> Run:
    """Measure everything, so many times. Raises PartFailed, WrongAnswer, HTTPError, BadBundle."""
    # The same photo is sent again and again: answers from the cache would measure nothing.
    os.environ["CLASSIFY_CACHE"] = "0"
    busy = os.getloadavg()[0]
    with ExitStack() as context:
        folder = Path(context.enter_context(TemporaryDirectory(prefix="benchmark-")))
        running = context.enter_context(services.running(folder, say))
        drawing = PhotoFile.of("the drawing", MACAW.read_bytes())
        for service in (running.litserve, running.first_version):
            clients.first_answer(service.ask(drawing))
        samples = [replace(sample, looks=latency.looks(running, sample)) for sample in given]
        # The first two sizes, and of photos that are looked at once, if there are any.
        jpegs = [sample for sample in samples if sample.is_jpeg]
        shown = sorted(jpegs, key=lambda sample: sample.looks)[:2]
        say("loading TensorFlow for the limit")
        limit = Limit()
        cores = [context.enter_context(process()) for _ in range(os.cpu_count() or 1)]
        return Run(
            date=datetime.now(UTC).date().isoformat(),
            cores=os.cpu_count(),
            load_average=busy,
            photos=[
                latency.measure(sample, limit, running, rounds=10 * times, say=say)
                for sample in samples
            ],
            loads=[
                row
                for sample in shown
                for row in load.measure(sample, cores, running, bursts=3 * times, say=say)
            ],
            cpu=[load.cpu(sample, running, total=48 * times) for sample in shown],
            starts=list(functions.starts(running, drawing, times=times, say=say)),
            lists=list(functions.lists(running, folder, times=20 * times, say=say)),
        )
