"""Observations in one SQLite file, for the local stack: several threads and processes at once."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from parrot.errors import StoreUnavailable
from parrot.records import Observation, Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BUSY_SECONDS = 10.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS observations (
    uid TEXT NOT NULL,
    id TEXT NOT NULL,
    species TEXT NOT NULL,
    species_index INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    media_type TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    status TEXT NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    PRIMARY KEY (uid, id)
) WITHOUT ROWID;
"""
_COLUMNS = (
    "uid, id, species, species_index, sha256, media_type, width, height, status, created, updated"
)


class SqliteObservations:
    """One file, one connection a thread, write-ahead log."""

    def __init__(self, path: Path) -> None:
        """The file and its table are made where they are missing. Raises StoreUnavailable."""
        self._path = path
        self._local = threading.local()
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection() as db:
            db.executescript(f"PRAGMA journal_mode = WAL; {_SCHEMA}")

    def create(self, observation: Observation) -> tuple[Observation, bool]:
        """Store it unless its (uid, id) is there. Raises StoreUnavailable."""
        with self._connection() as db:
            added = db.execute(
                f"INSERT INTO observations ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?)"  # noqa: S608 - a constant
                " ON CONFLICT DO NOTHING",
                _row(observation),
            ).rowcount
        if added:
            return observation, True
        stored = self.get(observation.uid, observation.id)
        if stored is None:  # deleted between the two statements: as if it had never been
            return self.create(observation)
        return stored, False

    def get(self, uid: str, observation_id: str) -> Observation | None:
        """The user's own observation, or None. Raises StoreUnavailable."""
        with self._connection() as db:
            row = db.execute(
                f"SELECT {_COLUMNS} FROM observations WHERE uid = ? AND id = ?",  # noqa: S608 - a constant
                (uid, observation_id),
            ).fetchone()
        return None if row is None else _observation(row)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection, in autocommit; errors translated."""
        try:
            db = getattr(self._local, "db", None)
            if db is None:
                db = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
                db.row_factory = sqlite3.Row
                self._local.db = db
            yield db
        except sqlite3.Error as error:
            raise StoreUnavailable(f"observations cannot be read or written: {error}") from error


def _row(observation: Observation) -> tuple[str | int, ...]:
    return (
        observation.uid,
        observation.id,
        observation.species,
        observation.species_index,
        observation.sha256,
        observation.media_type,
        observation.width,
        observation.height,
        observation.status.value,
        observation.created.astimezone(UTC).isoformat(),
        observation.updated.astimezone(UTC).isoformat(),
    )


def _observation(row: sqlite3.Row) -> Observation:
    return Observation(
        id=row["id"],
        uid=row["uid"],
        species=row["species"],
        species_index=row["species_index"],
        sha256=row["sha256"],
        media_type=row["media_type"],
        width=row["width"],
        height=row["height"],
        status=Status(row["status"]),
        created=datetime.fromisoformat(row["created"]),
        updated=datetime.fromisoformat(row["updated"]),
    )
