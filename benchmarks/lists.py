"""The observation list of people who have many: the first page, and one far down."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import requests

from benchmarks import clients, services
from benchmarks.clients import Ask, Phone
from benchmarks.results import Listing, Spread
from benchmarks.starts import AS_SOMEBODY
from parrot.adapters.sqlite import SqliteObservations
from parrot.observation import Label, Observation, Status, document, instant, photo_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.services import Say, Service

PAGE_SIZE = 20
_TELL = 250  # pages between two words of progress
PAGES = {1_000: 50, 100_000: 1_000}  # how many there are, and the page far down
_UID = "benchmark"  # of AS_SOMEBODY
_SPECIES = "nestor-notabilis"


def measure(folder: Path, ours: Service, *, times: int, say: Say) -> Iterator[Listing]:
    """Fill a store, walk down its list. Raises WrongAnswer."""
    for count, page in PAGES.items():
        say(f"writing {count:,} observations")
        path = folder / f"{count}.db"
        _fill(path, count)
        part = services.alone(ours, "observations", OBSERVATIONS=f"sqlite:{path}")
        ours.supervisor.start(part)
        clients.first_answer(_ask(part.url, None))
        phone = Phone()
        token: str | None = None
        for number in range(1, page + 1):
            if number == 1:
                yield Listing(count, 1, _page(phone, part.url, None, times))
            elif number == page:
                yield Listing(count, page, _page(phone, part.url, token, times))
                break
            if number % _TELL == 0:
                say(f"page {number:,} of {count:,} observations")
            _, response = phone.send(_ask(part.url, token))
            token = response.json()["next_page_token"]
        ours.supervisor.kill(part.name)


def _page(phone: Phone, url: str, token: str | None, times: int) -> Spread:
    ask = _ask(url, token)
    return Spread.ms([phone.send(ask)[0] for _ in range(times)])


def _ask(url: str, token: str | None) -> Ask:
    parameters = {"page_size": str(PAGE_SIZE), **({} if token is None else {"page_token": token})}
    return Ask(requests.Request("GET", url, params=parameters, headers=AS_SOMEBODY).prepare())


def _fill(path: Path, count: int) -> None:
    """As the store would, but in one transaction: one for each takes minutes."""
    SqliteObservations(path)
    newest = datetime(2026, 11, 1, tzinfo=UTC)
    db = sqlite3.connect(path)
    with db:
        db.executemany(
            "INSERT INTO documents (uid, id, revision, created, species, status, document)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                _row(_observation(f"{number:032x}", newest - timedelta(seconds=number)))
                for number in range(count)
            ),
        )
    db.close()


def _row(observation: Observation) -> tuple[str, str, int, str, str, str, str]:
    return (
        observation.uid,
        observation.id,
        observation.revision,
        instant(observation.created),
        _SPECIES,
        observation.status.value,
        json.dumps(document(observation)),
    )


def _observation(name: str, created: datetime) -> Observation:
    return Observation(
        id=name,
        uid=_UID,
        object_name=photo_name(_UID, name),
        labels=(Label(_SPECIES, 14, created),),
        sha256="0" * 64,
        media_type="image/jpeg",
        width=4032,
        height=3024,
        status=Status.READY,
        created=created,
        updated=created,
    )
