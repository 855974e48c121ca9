"""Observations in one SQLite file, for the local stack."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from parrot.adapters.sqlite_file import SqliteFile
from parrot.duplicates import lookup, quarters, resembling
from parrot.errors import TooManyRequests
from parrot.observation import Page, Status, document, instant, restored

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from parrot.observation import Observation, Place
    from parrot.store import Use

# `document` is the observation; the other columns duplicate the fields used in queries.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    uid TEXT NOT NULL,
    id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created TEXT NOT NULL,
    species TEXT,
    status TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (uid, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS documents_by_age ON documents (uid, created DESC, id DESC);
CREATE INDEX IF NOT EXISTS documents_by_species
    ON documents (uid, species, created DESC, id DESC);
CREATE INDEX IF NOT EXISTS documents_by_status
    ON documents (uid, status, created DESC, id DESC);
CREATE INDEX IF NOT EXISTS documents_unfinished
    ON documents (json_extract(document, '$.updated')) WHERE status IN ('pending', 'deleting');
CREATE INDEX IF NOT EXISTS documents_by_original
    ON documents (uid, json_extract(document, '$.duplicate_of'));
CREATE TABLE IF NOT EXISTS quarters (
    uid TEXT NOT NULL,
    quarter TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (uid, quarter, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS quarters_by_id ON quarters (uid, id);
CREATE TABLE IF NOT EXISTS quotas (
    uid TEXT NOT NULL,
    name TEXT NOT NULL,
    window INTEGER NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (uid, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keys (
    uid TEXT NOT NULL,
    key TEXT NOT NULL,
    observation TEXT NOT NULL,
    expires TEXT NOT NULL,
    PRIMARY KEY (uid, key)
) WITHOUT ROWID;
"""


class SqliteObservations:
    """The same contract as Firestore's."""

    def __init__(self, path: Path) -> None:
        """The file and its tables are created if they are missing. Raises StoreUnavailable."""
        self._file = SqliteFile(path, _SCHEMA)

    def create(self, observation: Observation, use: Use | None = None) -> tuple[Observation, bool]:
        with self._file.transaction() as db:
            stored = _read(db, observation.uid, observation.id)
            if stored is not None:
                return stored, False
            if use is not None:
                _count(db, observation.uid, use)
            _write(db, observation)
        return observation, True

    def get(self, uid: str, observation_id: str) -> Observation | None:
        with self._file.connection() as db:
            return _read(db, uid, observation_id)

    def replace(self, observation: Observation, use: Use | None = None) -> Observation | None:
        with self._file.transaction() as db:
            changed = _replace(db, observation)
            if changed is not None and use is not None:
                _count(db, observation.uid, use)
        return changed

    def replace_all(self, observations: Sequence[Observation]) -> tuple[Observation | None, ...]:
        with self._file.transaction() as db:
            return tuple(_replace(db, observation) for observation in observations)

    def remove(self, observation: Observation) -> bool:
        with self._file.transaction() as db:
            if not _is_stored(db, observation):
                return False
            _remove(db, observation.uid, observation.id)
        return True

    def page(
        self,
        uid: str,
        *,
        size: int,
        after: Place | None = None,
        species: str | None = None,
        status: Status | None = None,
    ) -> Page:
        query = "SELECT document FROM documents WHERE uid = ? AND status != ?"
        values: list[str | int] = [uid, Status.DELETING.value]
        if species is not None:
            query, values = f"{query} AND species = ?", [*values, species]
        if status is not None:
            query, values = f"{query} AND status = ?", [*values, status.value]
        if after is not None:
            query = f"{query} AND (created, id) < (?, ?)"
            values += [instant(after.created), after.id]
        with self._file.connection() as db:
            rows = db.execute(
                f"{query} ORDER BY created DESC, id DESC LIMIT ?", [*values, size + 1]
            ).fetchall()
        page = tuple(restored(json.loads(row[0])) for row in rows[:size])
        return Page(page, page[-1].place if len(rows) > size else None)

    def of(self, uid: str, *, limit: int) -> tuple[Observation, ...]:
        with self._file.connection() as db:
            rows = db.execute(
                "SELECT document FROM documents WHERE uid = ? ORDER BY id LIMIT ?", (uid, limit)
            ).fetchall()
        return tuple(restored(json.loads(row[0])) for row in rows)

    def everything(self) -> Iterator[Observation]:
        with self._file.connection() as db:
            for row in db.execute("SELECT document FROM documents"):
                yield restored(json.loads(row[0]))

    def similar(
        self, uid: str, phashes: Collection[str], *, distance: int
    ) -> tuple[Observation, ...]:
        with self._file.connection() as db:
            rows = db.execute(
                "SELECT document FROM documents WHERE uid = ? AND id IN (SELECT id FROM quarters"
                " WHERE uid = ? AND quarter IN (SELECT value FROM json_each(?)))",
                (uid, uid, json.dumps(lookup(phashes))),
            ).fetchall()
        candidates = (restored(json.loads(row[0])) for row in rows)
        return resembling(phashes, candidates, distance=distance)

    def duplicates_of(self, uid: str, observation_id: str) -> tuple[Observation, ...]:
        with self._file.connection() as db:
            rows = db.execute(
                "SELECT document FROM documents"
                " WHERE uid = ? AND json_extract(document, '$.duplicate_of') = ?"
                " ORDER BY created, id",
                (uid, observation_id),
            ).fetchall()
        return tuple(restored(json.loads(row[0])) for row in rows)

    def unfinished(self, *, before: datetime, limit: int) -> tuple[Observation, ...]:
        with self._file.connection() as db:
            rows = db.execute(
                "SELECT document FROM documents"
                " WHERE status IN ('pending', 'deleting')"
                " AND json_extract(document, '$.updated') < ?"
                " ORDER BY json_extract(document, '$.updated') LIMIT ?",
                (instant(before), limit),
            ).fetchall()
        return tuple(restored(json.loads(row[0])) for row in rows)

    def take(self, uid: str, use: Use) -> int:
        with self._file.transaction() as db:
            return _count(db, uid, use)

    def used(self, uid: str, quota: str) -> tuple[int, int]:
        with self._file.connection() as db:
            return _used(db, uid, quota)

    def claim(self, uid: str, key: str, observation_id: str, *, expires: datetime, use: Use) -> str:
        now = datetime.fromtimestamp(use.now, UTC)
        with self._file.transaction() as db:
            db.execute("DELETE FROM keys WHERE uid = ? AND expires <= ?", (uid, instant(now)))
            row = db.execute(
                "SELECT observation FROM keys WHERE uid = ? AND key = ?", (uid, key)
            ).fetchone()
            if row is not None:
                return str(row[0])
            with contextlib.suppress(TooManyRequests):
                _count(db, uid, use)
                db.execute(
                    "INSERT INTO keys (uid, key, observation, expires) VALUES (?, ?, ?, ?)",
                    (uid, key, observation_id, instant(expires)),
                )
        return observation_id


def _read(db: sqlite3.Connection, uid: str, observation_id: str) -> Observation | None:
    row = db.execute(
        "SELECT document FROM documents WHERE uid = ? AND id = ?", (uid, observation_id)
    ).fetchone()
    return None if row is None else restored(json.loads(row[0]))


def _is_stored(db: sqlite3.Connection, observation: Observation) -> bool:
    stored = _read(db, observation.uid, observation.id)
    return stored is not None and stored.version == observation.version


def _replace(db: sqlite3.Connection, observation: Observation) -> Observation | None:
    if not _is_stored(db, observation):
        return None
    changed = replace(observation, revision=observation.revision + 1)
    _remove(db, observation.uid, observation.id)
    _write(db, changed)
    return changed


def _used(db: sqlite3.Connection, uid: str, quota: str) -> tuple[int, int]:
    row = db.execute(
        "SELECT window, used FROM quotas WHERE uid = ? AND name = ?", (uid, quota)
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def _count(db: sqlite3.Connection, uid: str, use: Use) -> int:
    """The number of uses so far. Raises TooManyRequests."""
    window, used = use.added(*_used(db, uid, use.quota))
    db.execute(
        "INSERT OR REPLACE INTO quotas (uid, name, window, used) VALUES (?, ?, ?, ?)",
        (uid, use.quota, window, used),
    )
    return used


def _write(db: sqlite3.Connection, observation: Observation) -> None:
    fields = document(observation)
    db.execute(
        "INSERT INTO documents (uid, id, revision, created, species, status, document)"
        " VALUES (:uid, :id, :revision, :created, :species, :status, :document)",
        {
            **fields,
            "species": fields["labels"][-1]["species"] if fields["labels"] else None,
            "document": json.dumps(fields, ensure_ascii=False),
        },
    )
    if observation.derived is not None:
        db.executemany(
            "INSERT INTO quarters (uid, quarter, id) VALUES (?, ?, ?)",
            [
                (observation.uid, quarter, observation.id)
                for quarter in quarters(observation.derived.phash)
            ],
        )


def _remove(db: sqlite3.Connection, uid: str, observation_id: str) -> None:
    for table in ("documents", "quarters"):
        db.execute(
            f"DELETE FROM {table} WHERE uid = ? AND id = ?",  # noqa: S608 - our own two names
            (uid, observation_id),
        )
