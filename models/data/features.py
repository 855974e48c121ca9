"""Photos to features, each computed once: cached by photo, backbone and view.

The pixels come from `parrot.images`, as in production. The cache is one SQLite file, written batch
by batch, so that an interrupted run continues where it stopped.
"""

from __future__ import annotations

import hashlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.data.augmentation import augmented
from models.network.backbone import Backbone
from models.network.lazy_tf import tf
from parrot import images
from parrot.errors import InvalidImage, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from models.data.views import View
    from models.network.backbone import BackboneSpec
    from parrot.records import Floats

_BATCH = 32
_THREADS = 2  # decoding during the forward pass; Pillow releases the GIL
# Increase when preprocessing, augmentation or the forward pass changes what it computes.
_REVISION = 1


@dataclass(frozen=True, slots=True)
class Extractor:
    """Computes features with one backbone and caches them in one file."""

    backbone: BackboneSpec
    cache: Path

    def features(
        self,
        paths: Sequence[Path],
        view: View,
        progress: Callable[[int], None] = lambda _count: None,
    ) -> Floats:
        """(n, features), in the order of `paths`.

        `progress` gets the number of photos that were finished since its last call. Raises
        InvalidImage with the photo's path.
        """
        self.cache.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.cache, timeout=60)) as db:
            db.execute("CREATE TABLE IF NOT EXISTS features (key BLOB PRIMARY KEY, vector BLOB)")
            jobs = [(self._key(path, view), path) for path in paths]
            missing = [job for job in jobs if not _known(db, job[0])]
            progress(len(paths) - len(missing))
            for keys, vectors in self._extract(missing, view):
                with db:
                    rows = [(key, row.tobytes()) for key, row in zip(keys, vectors, strict=True)]
                    db.executemany("INSERT OR REPLACE INTO features VALUES (?, ?)", rows)
                progress(len(keys))
            return np.stack([_read(db, key) for key, _ in jobs])

    def _extract(
        self, jobs: Sequence[tuple[bytes, Path]], view: View
    ) -> Iterator[tuple[list[bytes], Floats]]:
        """Keys and features, batch by batch."""
        if not jobs:
            return
        backbone = Backbone.load(self.backbone)
        shape = [None, view.spec.height, view.spec.width, 3]
        forward = tf().function(
            backbone.features, input_signature=[tf().TensorSpec(shape, tf().float32)]
        )
        with ThreadPoolExecutor(_THREADS) as pool:
            for start in range(0, len(jobs), _BATCH):
                keys, paths = zip(*jobs[start : start + _BATCH], strict=True)
                stacked = np.stack(list(pool.map(_pixels, paths, [view] * len(paths))))
                yield list(keys), forward(stacked).numpy()

    def _key(self, path: Path, view: View) -> bytes:
        photo = hashlib.sha256(path.read_bytes()).hexdigest()
        text = f"{_REVISION} {self.backbone.name} {view} {photo}"
        return hashlib.sha256(text.encode()).digest()


def _pixels(path: Path, view: View) -> Floats:
    try:
        photo = images.read(path.read_bytes())
        if view.augmentation is not None:
            photo = images.read(augmented(photo, view.augmentation, view.name))
        return images.pixels(photo, view.spec).pixels.astype(np.float32)
    except RequestError as error:
        raise InvalidImage(f"{path}: {error.detail}") from error


def _known(db: sqlite3.Connection, key: bytes) -> bool:
    return db.execute("SELECT 1 FROM features WHERE key = ?", (key,)).fetchone() is not None


def _read(db: sqlite3.Connection, key: bytes) -> Floats:
    (vector,) = db.execute("SELECT vector FROM features WHERE key = ?", (key,)).fetchone()
    return np.frombuffer(vector, np.float32)
