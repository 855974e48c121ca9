"""What SQLite keeps about people beside their observations, in the same file."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from parrot.adapters.sqlite_file import SqliteFile
from parrot.adapters.sqlite_rows import SCHEMA
from parrot.receipt import Erasure, document, restored

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path


class SqlitePeople:
    """Firestore's contract, but no erasure expires."""

    def __init__(self, path: Path) -> None:
        """Raises StoreUnavailable."""
        self._file = SqliteFile(path, SCHEMA)

    def erasure(self, uid: str) -> Erasure | None:
        with self._file.connection() as db:
            return _read(db, uid)

    def keep(self, erasure: Erasure) -> Erasure | None:
        kept = replace(erasure, revision=erasure.revision + 1)
        with self._file.transaction() as db:
            stored = _read(db, erasure.uid)
            if (stored.revision if stored else 0) != erasure.revision:
                return None
            db.execute(
                "INSERT OR REPLACE INTO erasures (uid, document) VALUES (?, ?)",
                (erasure.uid, json.dumps(document(kept))),
            )
        return kept

    def forget(self, uid: str) -> None:
        with self._file.transaction() as db:
            db.execute("DELETE FROM keys WHERE uid = ?", (uid,))


def _read(db: sqlite3.Connection, uid: str) -> Erasure | None:
    row = db.execute("SELECT document FROM erasures WHERE uid = ?", (uid,)).fetchone()
    return None if row is None else restored(json.loads(row[0]))
