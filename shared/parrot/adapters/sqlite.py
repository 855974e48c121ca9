"""Observations in one SQLite file, for the local stack."""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from parrot.adapters import sqlite_rows
from parrot.documents import instant, plain, restored, restored_erasure
from parrot.duplicates import lookup, resembling
from parrot.errors import TooManyRequests
from parrot.observation import Page, Status

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from parrot.observation import Observation, Place
    from parrot.receipt import Erasure
    from parrot.records import Embedded
    from parrot.store import Use


class SqliteObservations:
    """The same contract as Firestore's, but no erasure expires."""

    def __init__(self, path: Path) -> None:
        """The file and its tables are created if they are missing. Raises StoreUnavailable."""
        self._file = sqlite_rows.SqliteFile(path)

    def create(self, observation: Observation, use: Use | None = None) -> tuple[Observation, bool]:
        with self._file.transaction() as db:
            stored = sqlite_rows.read(db, observation.uid, observation.id)
            if stored is not None:
                return stored, False
            if use is not None:
                sqlite_rows.count(db, observation.uid, use)
            sqlite_rows.write(db, observation)
        return observation, True

    def get(self, uid: str, observation_id: str) -> Observation | None:
        with self._file.connection() as db:
            return sqlite_rows.read(db, uid, observation_id)

    def replace(self, observation: Observation, use: Use | None = None) -> Observation | None:
        with self._file.transaction() as db:
            changed = sqlite_rows.replace(db, observation)
            if changed is not None and use is not None:
                sqlite_rows.count(db, observation.uid, use)
        return changed

    def replace_all(self, observations: Sequence[Observation]) -> tuple[Observation | None, ...]:
        with self._file.transaction() as db:
            return tuple(sqlite_rows.replace(db, observation) for observation in observations)

    def remove(self, observation: Observation) -> bool:
        with self._file.transaction() as db:
            if not sqlite_rows.is_stored(db, observation):
                return False
            sqlite_rows.remove(db, observation.uid, observation.id)
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
        rows = self._all(f"{query} ORDER BY created DESC, id DESC LIMIT ?", *values, size + 1)
        return Page(rows[:size], rows[size - 1].place if len(rows) > size else None)

    def of(self, uid: str, *, limit: int) -> tuple[Observation, ...]:
        return self._all(
            "SELECT document FROM documents WHERE uid = ? ORDER BY id LIMIT ?", uid, limit
        )

    def everything(self) -> Iterator[Observation]:
        with self._file.connection() as db:
            for row in db.execute("SELECT document FROM documents"):
                yield restored(json.loads(row[0]))

    def similar(self, uid: str, phashes: Collection[str]) -> tuple[Observation, ...]:
        candidates = self._all(
            "SELECT document FROM documents WHERE uid = ? AND id IN (SELECT id FROM quarters"
            " WHERE uid = ? AND quarter IN (SELECT value FROM json_each(?)))",
            *(uid, uid, json.dumps(lookup(phashes))),
        )
        return resembling(phashes, candidates)

    def nearest(
        self, embedded: Embedded, *, uid: str | None, limit: int
    ) -> tuple[Observation, ...]:
        import numpy as np  # noqa: PLC0415 - 60 ms, which other calls do without

        query, values = "FROM vectors WHERE example_space = ?", [embedded.space]
        if uid is not None:
            query, values = "FROM vectors WHERE space = ? AND uid = ?", [embedded.space, uid]
        with self._file.connection() as db:
            found = db.execute(f"SELECT vector, uid, id {query}", values).fetchall()
            if not found:
                return ()
            vectors = np.frombuffer(b"".join(row[0] for row in found), np.float32)
            alike = vectors.reshape(len(found), -1) @ np.array(embedded.vector, np.float32)
            best = np.argsort(-alike, kind="stable")[:limit].tolist()
            read = [sqlite_rows.read(db, *found[number][1:]) for number in best]
        return tuple(row for row in read if row is not None)

    def duplicates_of(self, uid: str, observation_id: str) -> tuple[Observation, ...]:
        return self._all(
            "SELECT document FROM documents"
            " WHERE uid = ? AND json_extract(document, '$.duplicate_of') = ?"
            " ORDER BY created, id",
            *(uid, observation_id),
        )

    def unfinished(self, *, before: datetime, limit: int) -> tuple[Observation, ...]:
        return self._all(
            "SELECT document FROM documents"
            " WHERE status IN ('pending', 'deleting')"
            " AND json_extract(document, '$.updated') < ?"
            " ORDER BY json_extract(document, '$.updated') LIMIT ?",
            *(instant(before), limit),
        )

    def to_review(self, *, limit: int, below: float = math.inf) -> tuple[Observation, ...]:
        return self._all(
            "SELECT document FROM documents JOIN reviews USING (uid, id)"
            " WHERE urgency IS NOT NULL AND urgency < ? ORDER BY urgency DESC, handle LIMIT ?",
            *(below, limit),
        )

    def by_handle(self, handle: str) -> Observation | None:
        found = self._all(
            "SELECT document FROM documents JOIN reviews USING (uid, id) WHERE handle = ?", handle
        )
        return found[0] if found else None

    def by_reviewer(self, uid: str, *, limit: int) -> tuple[Observation, ...]:
        return self._all(
            "SELECT document FROM documents JOIN json_each(document, '$.opinions')"
            " WHERE json_extract(value, '$.reviewer') = ? LIMIT ?",
            *(uid, limit),
        )

    def _all(self, query: str, *values: str | float) -> tuple[Observation, ...]:
        with self._file.connection() as db:
            rows = db.execute(query, values).fetchall()
        return tuple(restored(json.loads(row[0])) for row in rows)

    def take(self, uid: str, use: Use) -> int:
        with self._file.transaction() as db:
            return sqlite_rows.count(db, uid, use)

    def used(self, uid: str, quota: str) -> tuple[int, int]:
        with self._file.connection() as db:
            return sqlite_rows.used(db, uid, quota)

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
                sqlite_rows.count(db, uid, use)
                db.execute(
                    "INSERT INTO keys (uid, key, observation, expires) VALUES (?, ?, ?, ?)",
                    (uid, key, observation_id, instant(expires)),
                )
        return observation_id

    def erasure(self, uid: str) -> Erasure | None:
        with self._file.connection() as db:
            row = db.execute("SELECT document FROM erasures WHERE uid = ?", (uid,)).fetchone()
        return None if row is None else restored_erasure(json.loads(row[0]))

    def keep(self, erasure: Erasure) -> Erasure | None:
        kept = replace(erasure, revision=erasure.revision + 1)
        with self._file.transaction() as db:
            stored = self.erasure(erasure.uid)
            if (stored.revision if stored else 0) != erasure.revision:
                return None
            db.execute(
                "INSERT OR REPLACE INTO erasures (uid, document) VALUES (?, ?)",
                (erasure.uid, json.dumps(plain(kept))),
            )
        return kept

    def forget(self, uid: str) -> None:
        with self._file.transaction() as db:
            db.execute("DELETE FROM keys WHERE uid = ?", (uid,))
