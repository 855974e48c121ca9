"""Photos to features, once: cached by photo, backbone, input spec and augmentation.

The pixels come from `parrot.images`, the very module that serves. The cache is one SQLite file,
written batch by batch, so that an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models import backbone as backbones
from models.augment import augmented
from models.lazy_tf import tf
from parrot import images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from models.backbone import BackboneSpec
    from parrot.records import Floats, InputSpec

_BATCH = 32
_THREADS = 2  # decoding beside the forward pass; Pillow lets go of the GIL
# Raise when preprocessing, augmentation or the forward pass changes what it computes.
_REVISION = 1


@dataclass(frozen=True, slots=True)
class Extractor:
    """What decides a photo's features, and where those known already are kept."""

    backbone: BackboneSpec
    spec: InputSpec
    cache: Path

    def features(
        self,
        paths: Sequence[Path],
        *,
        variant: int = 0,
        progress: Callable[[int], None] = lambda _count: None,
    ) -> Floats:
        """(n, features) of `variant` of each photo: 0 as it is, 1.. augmented, by number.

        `progress` is told how many photos were finished since it was last told.
        Raises InvalidImage, naming nothing: a training photo must be readable.
        """
        self.cache.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.cache, timeout=60)) as db:
            db.execute("CREATE TABLE IF NOT EXISTS features (key BLOB PRIMARY KEY, vector BLOB)")
            keys = [self._key(path, variant) for path in paths]
            missing = [i for i, key in enumerate(keys) if not _known(db, key)]
            progress(len(paths) - len(missing))
            if missing:
                self._extract(
                    [paths[i] for i in missing], [keys[i] for i in missing], variant, db, progress
                )
            return np.stack([_read(db, key) for key in keys])

    def _extract(
        self,
        paths: Sequence[Path],
        keys: Sequence[bytes],
        variant: int,
        db: sqlite3.Connection,
        progress: Callable[[int], None],
    ) -> None:
        backbone = backbones.load(self.backbone)
        shape = [None, self.spec.height, self.spec.width, 3]
        forward = tf().function(
            lambda pixels: backbones.forward(backbone, pixels),
            input_signature=[tf().TensorSpec(shape, tf().float32)],
        )

        def pixels(path: Path) -> Floats:
            photo = images.read(path.read_bytes())
            if variant:
                photo = images.read(augmented(photo, variant))
            return images.pixels(photo, self.spec).pixels.astype(np.float32)

        with ThreadPoolExecutor(_THREADS) as pool:
            for batch in _batches(range(len(paths))):
                stacked = np.stack(list(pool.map(pixels, [paths[i] for i in batch])))
                vectors = forward(stacked).numpy()
                with db:
                    db.executemany(
                        "INSERT OR REPLACE INTO features VALUES (?, ?)",
                        [(keys[i], vectors[n].tobytes()) for n, i in enumerate(batch)],
                    )
                progress(len(batch))

    def _key(self, path: Path, variant: int) -> bytes:
        photo = hashlib.sha256(path.read_bytes()).hexdigest()
        text = f"{_REVISION} {self.backbone.name} {self.spec} {variant} {photo}"
        return hashlib.sha256(text.encode()).digest()


def _batches(numbers: Iterable[int]) -> Iterable[list[int]]:
    every = list(numbers)
    return (every[start : start + _BATCH] for start in range(0, len(every), _BATCH))


def _known(db: sqlite3.Connection, key: bytes) -> bool:
    return db.execute("SELECT 1 FROM features WHERE key = ?", (key,)).fetchone() is not None


def _read(db: sqlite3.Connection, key: bytes) -> Floats:
    (vector,) = db.execute("SELECT vector FROM features WHERE key = ?", (key,)).fetchone()
    return np.frombuffer(vector, np.float32)
