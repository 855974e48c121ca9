"""`./dev.sh bench`."""

import os
import signal
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import UTC, datetime
from json import dumps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown
from urllib3.exceptions import HTTPError

from benchmarks import answering, clients, functions, photos, report, services
from benchmarks.clients import WrongAnswer
from benchmarks.limit import Limit, process
from benchmarks.photos import PhotoFile
from benchmarks.results import Run
from benchmarks.services import Say
from local.progress import steps
from local.samples import MACAW
from local.supervisor import PartFailed
from parrot.errors import ParrotError

app = typer.Typer(add_completion=False, rich_markup_mode="markdown")
_out, _err = Console(), Console(stderr=True)


@app.command()
def bench(
    *,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Measure longer: half an hour.")] = False,
    write: Annotated[
        Path | None, typer.Option(help="Renew this page's tables and picture.", exists=True)
    ] = None,
    photo: Annotated[
        list[Path] | None, typer.Option(help="A photo to measure with; can be repeated.")
    ] = None,
) -> None:
    """Compare the service with what is physically possible and with others.

    The others are LitServe with the same model, and the first version.
    Takes five minutes. Times depend on the machine and its load, the ratios
    hardly do. docs/performance.md says what is measured.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with steps(_err) as say:
            say("making photos")
            files = [PhotoFile.of(path.name, path.read_bytes()) for path in photo or ()]
            results = _run(files or photos.made(), 10 if full else 1, say=say)
            if write:
                report.write(results, write)
    except KeyboardInterrupt:
        _err.print("[dim]stopped")
        raise typer.Exit(130) from None
    except (PartFailed, WrongAnswer, report.BadPage, ParrotError, HTTPError, OSError) as error:
        _err.print(f"[red]{error}", highlight=False)
        raise typer.Exit(1) from error
    if json:
        print(dumps(asdict(results), ensure_ascii=False))
    else:
        for name, table in report.tables(results).items():
            _out.print(Markdown(f"## {name}\n{table}"))


def _run(given: Sequence[PhotoFile], times: int, *, say: Say) -> Run:
    """Start all services, ask them in turn, put load on them, restart them, stop them.

    Everything so many times. Raises PartFailed, WrongAnswer, HTTPError, BadBundle.
    """
    # The same photo is sent again and again: answers from the cache would measure nothing.
    os.environ["CLASSIFY_CACHE"] = "0"
    busy = os.getloadavg()[0]
    with ExitStack() as context:
        folder = Path(context.enter_context(TemporaryDirectory(prefix="benchmark-")))
        running = context.enter_context(services.running(folder, say))
        drawing = PhotoFile.of("the drawing", MACAW.read_bytes())
        for service in (running.litserve, running.first_version):
            clients.first_answer(service.ask(drawing))
        samples = [replace(sample, looks=answering.looks(running, sample)) for sample in given]
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
                answering.alone(sample, limit, running, rounds=10 * times, say=say)
                for sample in samples
            ],
            loads=[
                row
                for sample in shown
                for row in answering.together(sample, cores, running, bursts=3 * times, say=say)
            ],
            cpu=[answering.cpu(sample, running, total=48 * times) for sample in shown],
            starts=list(functions.starts(running, drawing, times=times, say=say)),
            lists=list(functions.lists(running, folder, times=20 * times, say=say)),
        )
