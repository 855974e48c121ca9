"""One SQLite file for several threads and processes: its tables, and statements about rows."""

from __future__ import annotations

import json
import sqlite3
import threading
from array import array
from contextlib import contextmanager
from typing import TYPE_CHECKING

from parrot.documents import document, restored
from parrot.duplicates import quarters
from parrot.errors import StoreUnavailable
from parrot.observation import Status
from parrot.review import example, handle, waiting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from parrot.observation import Observation
    from parrot.store import Use

_BUSY_SECONDS = 10.0
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
CREATE TABLE IF NOT EXISTS reviews (
    handle TEXT PRIMARY KEY,
    uid TEXT NOT NULL,
    id TEXT NOT NULL,
    urgency REAL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS reviews_by_id ON reviews (uid, id);
CREATE INDEX IF NOT EXISTS reviews_by_urgency ON reviews (urgency DESC) WHERE urgency IS NOT NULL;
CREATE TABLE IF NOT EXISTS vectors (
    uid TEXT NOT NULL,
    id TEXT NOT NULL,
    space TEXT NOT NULL,
    example_space TEXT,
    vector BLOB NOT NULL,
    PRIMARY KEY (uid, id)
) WITHOUT ROWID;
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
CREATE TABLE IF NOT EXISTS erasures (uid TEXT PRIMARY KEY, document TEXT NOT NULL);
"""


class SqliteFile:
    """One connection per thread, write-ahead log."""

    def __init__(self, path: Path) -> None:
        """The file and its tables are created if they are missing. Raises StoreUnavailable."""
        self._path = path
        self._local = threading.local()
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.connection() as db:
            db.executescript(f"PRAGMA journal_mode = WAL; {_SCHEMA}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write-locked from its first statement: nothing changes between a read and its write."""
        with self.connection() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection, in autocommit; errors translated."""
        try:
            db = getattr(self._local, "db", None)
            if db is None:
                db = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
                # Safe with a write-ahead log: a power cut loses at most the last commits.
                db.execute("PRAGMA synchronous = NORMAL")
                self._local.db = db
            yield db
        except sqlite3.Error as error:
            raise StoreUnavailable(f"observations cannot be read or written: {error}") from error


def read(db: sqlite3.Connection, uid: str, observation_id: str) -> Observation | None:
    """The user's own, or None."""
    row = db.execute(
        "SELECT document FROM documents WHERE uid = ? AND id = ?", (uid, observation_id)
    ).fetchone()
    return None if row is None else restored(json.loads(row[0]))


def is_stored(db: sqlite3.Connection, observation: Observation) -> bool:
    """Whether the stored one has this version."""
    stored = read(db, observation.uid, observation.id)
    return stored is not None and stored.version == observation.version


def replace(db: sqlite3.Connection, observation: Observation) -> Observation | None:
    """The change as stored; None for a stale version."""
    if not is_stored(db, observation):
        return None
    changed = observation.revised
    remove(db, observation.uid, observation.id)
    write(db, changed)
    return changed


def used(db: sqlite3.Connection, uid: str, quota: str) -> tuple[int, int]:
    """The last window and its uses."""
    row = db.execute(
        "SELECT window, used FROM quotas WHERE uid = ? AND name = ?", (uid, quota)
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def count(db: sqlite3.Connection, uid: str, use: Use) -> int:
    """The number of uses so far. Raises TooManyRequests."""
    window, uses = use.added(*used(db, uid, use.quota.name))
    db.execute(
        "INSERT OR REPLACE INTO quotas (uid, name, window, used) VALUES (?, ?, ?, ?)",
        (uid, use.quota.name, window, uses),
    )
    return uses


def write(db: sqlite3.Connection, observation: Observation) -> None:
    """Insert it; there must be none."""
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
    db.execute(
        "INSERT INTO reviews (handle, uid, id, urgency) VALUES (?, ?, ?, ?)",
        (
            handle(observation.uid, observation.id),
            observation.uid,
            observation.id,
            waiting(observation),
        ),
    )
    if observation.embedded is not None and observation.status is not Status.DELETING:
        space = observation.embedded.space
        vector = array("f", observation.embedded.vector).tobytes()
        db.execute(
            "INSERT INTO vectors (uid, id, space, example_space, vector) VALUES (?, ?, ?, ?, ?)",
            (*(observation.uid, observation.id, space), example(observation) and space, vector),
        )
    if observation.derived is not None:
        db.executemany(
            "INSERT INTO quarters (uid, quarter, id) VALUES (?, ?, ?)",
            [
                (observation.uid, quarter, observation.id)
                for quarter in quarters(observation.derived.phash)
            ],
        )


def remove(db: sqlite3.Connection, uid: str, observation_id: str) -> None:
    """No error if there is none."""
    for table in ("documents", "quarters", "reviews", "vectors"):
        db.execute(
            f"DELETE FROM {table} WHERE uid = ? AND id = ?",  # noqa: S608 - our own names
            (uid, observation_id),
        )
