"""Beam's part: find the photos, spread them over workers, count what became of them."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apache_beam as beam
from apache_beam.metrics import Metrics, MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from models.backfill import package
from models.backfill.job import BackfillWorker, candidates, open_bundle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.backfill.job import Job, Key

DATAFLOW = "Dataflow"
_NAMESPACE = "backfill"


class _Reclassify(beam.DoFn):  # type: ignore[misc]
    """One worker's share; everything is opened once per worker."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def setup(self) -> None:
        self._worker = BackfillWorker(self._job)

    def process(self, keys: Sequence[Key]) -> None:
        for outcome, count in self._worker.reclassify(keys).items():
            Metrics.counter(_NAMESPACE, outcome).inc(count)

    def teardown(self) -> None:
        self._worker.close()


def run(job: Job, runner: str, options: Sequence[str]) -> Counter[str]:
    """How many photos had which outcome.

    `options` are Beam's own, such as `--project`, `--region` and `--temp_location`. A run that
    fails or is killed may be repeated: what it has written is skipped.

    Raises BadBundle, StoreUnavailable, and whatever ended the pipeline.
    """
    version = open_bundle(job).manifest.version
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
            | "find" >> beam.FlatMap(candidates, version)
            | beam.Reshuffle()
            | beam.BatchElements(min_batch_size=job.batch, max_batch_size=job.batch)
            | "reclassify" >> beam.ParDo(_Reclassify(job))
        )
        result = pipeline.run()
        result.wait_until_finish()
    return _counts(result)


def _counts(result: Any) -> Counter[str]:
    counters = result.metrics().query(MetricsFilter().with_namespace(_NAMESPACE))["counters"]
    return Counter({counter.key.metric.name: counter.result for counter in counters})
