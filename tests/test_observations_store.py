"""Every store of observations keeps the same promises."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from parrot.adapters.sqlite import SqliteObservations
from parrot.errors import StoreUnavailable
from parrot.records import Label, Observation, Status

if TYPE_CHECKING:
    from pathlib import Path

    from parrot.observations import ObservationStore

NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)


def observation(number: int = 1, uid: str = "ana") -> Observation:
    return Observation(
        id=f"id-{number}",
        uid=uid,
        object_name=f"photos/{uid}/id-{number}",
        labels=(Label("nestor-notabilis", 14, NOW),),
        sha256="0" * 64,
        media_type="image/jpeg",
        width=4,
        height=3,
        status=Status.PENDING,
        created=NOW,
        updated=NOW,
    )


@pytest.fixture
def store(tmp_path: Path) -> ObservationStore:
    return SqliteObservations(tmp_path / "deep" / "observations.db")


def test_what_was_created_is_read_back_whole(store: ObservationStore) -> None:
    """Microseconds, time zone and all."""
    stored, created = store.create(observation())
    assert created
    assert store.get("ana", "id-1") == stored == observation()


def test_creating_it_again_returns_the_first_one(store: ObservationStore) -> None:
    """The first save counts; the second is told what was saved."""
    store.create(observation())
    stored, created = store.create(dataclasses.replace(observation(), media_type="image/png"))
    assert not created
    assert stored == observation()


def test_nobody_gets_another_users_observation(store: ObservationStore) -> None:
    """Not even who knows its id."""
    store.create(observation(uid="ana"))
    assert store.get("bea", "id-1") is None
    assert store.create(observation(uid="bea"))[1]


def test_of_many_creators_exactly_one_is_told_so(store: ObservationStore) -> None:
    """The 201 goes to one of them."""
    with ThreadPoolExecutor(8) as pool:
        told = [
            created for _, created in pool.map(lambda _: store.create(observation()), range(40))
        ]
    assert told.count(True) == 1


def test_two_processes_share_one_file(tmp_path: Path) -> None:
    """The functions run beside each other."""
    path = tmp_path / "observations.db"
    store = SqliteObservations(path)
    code = (
        "import sys; from pathlib import Path;"
        "from parrot.adapters.sqlite import SqliteObservations;"
        "from tests.test_observations_store import observation;"
        "store = SqliteObservations(Path(sys.argv[1]));"
        "[store.create(observation(n)) for n in range(100)]"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], env={"PYTHONPATH": ":".join(sys.path)}
    )
    for number in range(100, 200):
        store.create(observation(number))
    assert other.wait(30) == 0
    assert all(store.get("ana", f"id-{number}") for number in range(200))


def test_a_file_that_is_no_database_is_a_store_that_is_unavailable(tmp_path: Path) -> None:
    """A vendor's error must not cross the border."""
    (tmp_path / "x.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreUnavailable):
        SqliteObservations(tmp_path / "x.db")
