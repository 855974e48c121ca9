"""Functions by themselves, as they are deployed: how soon they answer, and how fast they list."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.clients import Connections, Prepared, classify, first_answer
from benchmarks.photos import PhotoFile
from benchmarks.results import Listing, Spread, Start
from benchmarks.services import Say, Service, Services, program
from local import stack
from parrot.adapters.sqlite import SqliteObservations
from parrot.observation import Label, Observation, Status, photo_name

TARGETS = {"classify": 0.7, "save": 0.5, "observations": 0.5}  # seconds from start to answer
_PAGES = {1_000: 50, 100_000: 1_000}  # observations of one user, and the page far down
_USER = "benchmark"
_SPECIES = "nestor-notabilis"
_users = itertools.count()


def starts(services: Services, sample: PhotoFile, *, times: int, say: Say) -> Iterator[Start]:
    """From the start of each function, and of the other services, to the first answer."""
    for function in TARGETS:
        with _alone(services.ours, function) as service:
            yield _start(service, sample, times=3 * times, say=say)
    for service in (services.litserve, services.first_version):
        yield _start(service, sample, times=times, say=say)


def lists(services: Services, folder: Path, *, times: int, say: Say) -> Iterator[Listing]:
    """The first page of those who have many observations, and one far down. Raises WrongAnswer."""
    for count, far_down in _PAGES.items():
        say(f"saving {count:,} observations")
        path = folder / f"{count}.db"
        store = SqliteObservations(path)
        for number in range(count):
            store.create(_observation(number))
        place = {"OBSERVATIONS": f"sqlite:{path}", "DOWNLOAD_MIB_PER_MINUTE": "0"}
        with _alone(services.ours, "observations", **place) as service:
            say(f"walking down {count:,} observations")
            ask = _list(service.part.url)
            first_answer(ask)
            connections = Connections()
            for page in range(1, far_down + 1):
                if page in {1, far_down}:
                    seconds = [connections.send(ask)[0] for _ in range(times)]
                    yield Listing(count, page, Spread.of(seconds, unit=1000))
                token = connections.send(ask)[1].json().get("next_page_token", "")
                ask = _list(service.part.url, page_token=token)


def _start(service: Service, sample: PhotoFile, *, times: int, say: Say) -> Start:
    seconds = []
    for number in range(times):
        say(f"start {number + 1} of {service.name}")
        ask = service.ask(sample)
        started = time.perf_counter()
        service.supervisor.start(service.supervisor.kill(service.part.name))
        first_answer(ask)
        seconds.append(time.perf_counter() - started)
    return Start(service.name, Spread.of(seconds), TARGETS.get(service.name), service.resident())


@contextmanager
def _alone(ours: Service, function: str, **environment: str) -> Iterator[Service]:
    """A function with functions-framework's command. It may not answer yet."""
    source = ("--source", stack.ROOT / "functions" / function / "main.py", "--target", function)
    part = replace(
        program("functions_framework", *source, "--host", "127.0.0.1", "--port"),
        # Compiled once, as packages are when a function is built; some shells forbid it.
        environment={**ours.part.environment, "PYTHONDONTWRITEBYTECODE": "", **environment},
    )
    requests = {"classify": classify, "save": _save, "observations": lambda url, _: _list(url)}
    ours.supervisor.start(part)
    yield Service(function, part, ours.supervisor, requests[function])
    ours.supervisor.kill(part.name)


def _save(url: str, sample: PhotoFile) -> Prepared:
    """By a new user each time, so that it is a new save."""
    user = {"Authorization": f"Bearer local:{_USER}-{next(_users)}"}
    headers = {**user, "Content-Type": sample.media_type}
    return Prepared("POST", f"{url}/?species={_SPECIES}", sample.data, headers)


def _list(url: str, **place: str) -> Prepared:
    """A page of 20 observations."""
    user = {"Authorization": f"Bearer local:{_USER}"}
    return Prepared("GET", f"{url}/?{urlencode({'page_size': 20, **place})}", b"", user)


def _observation(number: int) -> Observation:
    name = f"{number:032x}"
    created = datetime(2026, 11, 1, tzinfo=UTC) - timedelta(seconds=number)
    return Observation(
        id=name,
        uid=_USER,
        object_name=photo_name(_USER, name),
        labels=(Label(_SPECIES, 14, created),),
        sha256="0" * 64,
        media_type="image/jpeg",
        width=4032,
        height=3024,
        status=Status.READY,
        created=created,
        updated=created,
    )
