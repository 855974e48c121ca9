"""One SQLite file, for the local stack: several threads and processes at once."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from parrot.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BUSY_SECONDS = 10.0


class SqliteFile:
    """One connection per thread, write-ahead log."""

    def __init__(self, path: Path, schema: str) -> None:
        """The file and its tables are created if they are missing. Raises StoreUnavailable."""
        self._path = path
        self._local = threading.local()
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.connection() as db:
            db.executescript(f"PRAGMA journal_mode = WAL; {schema}")

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
