"""Beam's part: find photos, spread them over workers, count what became of them."""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics, MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from models.backfill import package
from models.backfill.job import ExportJob, Job

Work = Job | ExportJob  # plain data that travels to workers
DATAFLOW = "Dataflow"
_NAMESPACE = "backfill"


class _Share(beam.DoFn):  # type: ignore[misc]
    """One worker's share."""

    def __init__(self, job: Work) -> None:
        self._job = job

    def setup(self) -> None:
        self._opened = ExitStack()
        self._share: Any = self._opened.enter_context(self._job.open())

    def process(self, keys: Sequence[Any]) -> None:
        for outcome, count in self._share(keys).items():
            Metrics.counter(_NAMESPACE, outcome).inc(count)

    def teardown(self) -> None:
        self._opened.close()


def _find(job: Work) -> Iterable[Any]:
    return job.find()


def check(options: Sequence[str], own: Iterable[str]) -> None:
    """Raises ValueError for what Beam does not know; `own` options of the command may be meant."""
    parsers: list[argparse.ArgumentParser] = []
    known = PipelineOptions([]).get_all_options(add_extra_args_fn=parsers.append)
    _, unknown = parsers[0].parse_known_args(list(options))
    if unknown:
        name = unknown[0].partition("=")[0]
        near = get_close_matches(name, [*own, *(f"--{option}" for option in known)], 1)
        meant = f": {near[0]}?" if near else ""
        raise ValueError(f"neither this command nor Beam has an option {name}{meant}")


def run(job: Work, runner: str, options: Sequence[str]) -> Counter[str]:
    """How many photos had which outcome.

    `options` are Beam's own, such as `--project`, `--region` and `--temp_location`. A run that
    fails or is killed may be repeated: what it has written is skipped. Raises whatever ended the
    pipeline.
    """
    with tempfile.TemporaryDirectory() as folder:
        if runner == DATAFLOW:
            setup = package.write(Path(folder))
            flags = [*options, "--runner=DataflowRunner", f"--setup_file={setup}"]
            pipeline = beam.Pipeline(options=PipelineOptions(flags))
        else:
            # Named, since "DirectRunner" may mean a program that Beam first downloads.
            pipeline = beam.Pipeline(FnApiRunner(), options=PipelineOptions(list(options)))
        (
            pipeline
            | beam.Create([job])
            | "find" >> beam.FlatMap(_find)
            | beam.Reshuffle()
            | beam.BatchElements(min_batch_size=job.batch, max_batch_size=job.batch)
            | "share" >> beam.ParDo(_Share(job))
        )
        result = pipeline.run()
        result.wait_until_finish()
    return _counts(result)


def _counts(result: Any) -> Counter[str]:
    counters = result.metrics().query(MetricsFilter().with_namespace(_NAMESPACE))["counters"]
    return Counter({counter.key.metric.name: counter.result for counter in counters})
