"""What was extracted from photos already: one SQLite file, written batch by batch."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from parrot.records import Floats

    Halves = npt.NDArray[np.float16]


class Kept(StrEnum):
    """The tables: what is kept of a sample, by its key."""

    FEATURES = "features"  # float32 (views, features)
    SIGNS = "signs"  # float32 (signs), see `models.data.signs`
    MAPS = "maps"  # float16 (views, cells, cells, channels), before the backbone's last blocks


_COLUMN = {Kept.FEATURES: "vectors", Kept.SIGNS: "vector", Kept.MAPS: "trunk"}


@dataclass(frozen=True, slots=True)
class FeatureCache:
    """An open cache."""

    db: sqlite3.Connection

    def has(self, kept: Kept, key: bytes) -> bool:
        """Whether there is something under this key."""
        query = f"SELECT 1 FROM {kept} WHERE key = ?"  # noqa: S608 - a constant of `Kept`
        return self.db.execute(query, (key,)).fetchone() is not None

    def features(self, key: bytes, views: int) -> Floats:
        """(views, features); the key must be there."""
        return np.frombuffer(self._read(Kept.FEATURES, key), np.float32).reshape(views, -1)

    def signs(self, key: bytes) -> Floats:
        """(signs,); the key must be there."""
        return np.frombuffer(self._read(Kept.SIGNS, key), np.float32)

    def maps(self, key: bytes, shape: Sequence[int]) -> Halves:
        """(views, cells, cells, channels); the key must be there."""
        return np.frombuffer(self._read(Kept.MAPS, key), np.float16).reshape(shape)

    def write(self, kept: Kept, keys: Sequence[bytes], arrays: Floats | Halves) -> None:
        """One array per key, all or none."""
        query = f"INSERT OR REPLACE INTO {kept} VALUES (?, ?)"  # noqa: S608 - as above
        with self.db:
            rows = [(key, row.tobytes()) for key, row in zip(keys, arrays, strict=True)]
            self.db.executemany(query, rows)

    def _read(self, kept: Kept, key: bytes) -> bytes:
        query = f"SELECT {_COLUMN[kept]} FROM {kept} WHERE key = ?"  # noqa: S608 - as above
        (data,) = self.db.execute(query, (key,)).fetchone()
        return bytes(data)


@contextmanager
def opened(path: Path) -> Iterator[FeatureCache]:
    """The cache in this file, which is made if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=60)) as db:
        for kept, column in _COLUMN.items():
            db.execute(f"CREATE TABLE IF NOT EXISTS {kept} (key BLOB PRIMARY KEY, {column} BLOB)")
        yield FeatureCache(db)
