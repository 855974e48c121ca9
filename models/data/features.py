"""Photos to features, once: cached by photo, stress, background and backbone.

Every sample is looked at in the three ways that a function may look at it: whole, the centre
square, and closer (`parrot.model.look`). The pixels come from `parrot.photo.images`, the very
module that serves. The cache is one SQLite file, written batch by batch, so that an interrupted
run goes on where it stopped. Beside the features it keeps what a first look says about the photo
itself (`models.data.signs`).
"""

from __future__ import annotations

import hashlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from models.data import signs
from models.network import focus
from models.network.backbone import Backbone, pooled_features
from models.network.classifier import INPUT
from models.network.lazy_tf import tf
from parrot.errors import InvalidImage, RequestError
from parrot.model import look
from parrot.photo import images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from models.data.samples import Sample
    from models.network.backbone import BackboneSpec
    from parrot.records import Floats, Photo

MARGIN = 1.1  # of the closer look around the focus
_BATCH = 24
_THREADS = 2  # decoding beside the forward pass; Pillow lets go of the GIL
# Raise when preprocessing, stresses, focus or the forward pass change what they compute.
_REVISION = 2


class View(IntEnum):
    """The second axis of `Extractor.features`."""

    WHOLE = 0
    CENTER = 1
    CLOSER = 2


@dataclass(frozen=True, slots=True)
class Extractor:
    """What decides a photo's features, and where those known already are kept."""

    backbone: BackboneSpec
    cache: Path

    def features(
        self, samples: Sequence[Sample], progress: Callable[[int], None] = lambda _count: None
    ) -> Floats:
        """(n, views, features), in the order of `samples`.

        `progress` is told how many samples were finished since it was last told. Raises
        InvalidImage with the photo's path.
        """
        self.cache.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.cache, timeout=60)) as db:
            db.execute("CREATE TABLE IF NOT EXISTS features (key BLOB PRIMARY KEY, vectors BLOB)")
            db.execute(signs.CREATE)
            digests: dict[Path, str] = {}
            jobs = [(self._key(sample, digests), sample) for sample in samples]
            missing = [job for job in jobs if not _known(db, job[0])]
            progress(len(samples) - len(missing))
            for keys, vectors, rows_of_signs in self._extract(missing):
                with db:
                    signs.write(db, keys, rows_of_signs)
                    rows = [(key, row.tobytes()) for key, row in zip(keys, vectors, strict=True)]
                    db.executemany("INSERT OR REPLACE INTO features VALUES (?, ?)", rows)
                progress(len(keys))
            return np.stack([_read(db, key) for key, _ in jobs])

    def signs(self, samples: Sequence[Sample]) -> Floats:
        """(n, signs) of samples whose features are known, in their order: see `signs.SIGNS`."""
        with closing(sqlite3.connect(self.cache, timeout=60)) as db:
            digests: dict[Path, str] = {}
            return np.stack([signs.read(db, self._key(sample, digests)) for sample in samples])

    def _extract(
        self, jobs: Sequence[tuple[bytes, Sample]]
    ) -> Iterator[tuple[list[bytes], Floats, list[Floats]]]:
        """Keys, features and signs, a batch at a time."""
        if not jobs:
            return
        backbone = Backbone.load(self.backbone)
        shape = tf().TensorSpec([None, INPUT.height, INPUT.width, 3], tf().float32)

        @tf().function(input_signature=[shape])  # type: ignore[untyped-decorator]
        def forward(pixels: object) -> object:
            activations = backbone.activations(pixels)
            return pooled_features(activations), focus.focus(activations)

        batches = [jobs[start : start + _BATCH] for start in range(0, len(jobs), _BATCH)]
        with ThreadPoolExecutor(_THREADS) as pool:
            for batch in batches:
                keys, samples = zip(*batch, strict=True)
                first = list(pool.map(_first_look, samples))
                whole, foci = forward(np.stack([pixels for _, pixels, _, _ in first]))
                center, _ = forward(np.stack([pixels for _, _, pixels, _ in first]))
                cuts = pool.map(_closer_look, first, foci.numpy())
                closer, _ = forward(np.stack(list(cuts)))
                seen = [
                    signs.of(pixels, size, box)
                    for (_, pixels, _, size), box in zip(first, foci.numpy(), strict=True)
                ]
                yield list(keys), np.stack([whole, center, closer], axis=1), seen

    def _key(self, sample: Sample, digests: dict[Path, str]) -> bytes:
        def digest(path: Path) -> str:
            if path not in digests:
                digests[path] = hashlib.sha256(path.read_bytes()).hexdigest()
            return digests[path]

        parts = [str(_REVISION), self.backbone.name, digest(sample.path)]
        if sample.stress is not None:
            parts.append(sample.stress.name)
            parts.append(digest(sample.background) if sample.background else "")
        return hashlib.sha256("\n".join(parts).encode()).digest()


def _first_look(sample: Sample) -> tuple[Photo, Floats, Floats, tuple[int, int]]:
    """The photo, its pixels whole and in the centre square, and its size."""
    try:
        photo = sample.photo()
        whole = images.pixels(photo, INPUT)
        size = (whole.width, whole.height)
        center = images.pixels(photo, INPUT, part=look.center(*size))
    except RequestError as error:
        raise InvalidImage(f"{sample.path}: {error.detail}") from error
    return photo, whole.pixels.astype(np.float32), center.pixels.astype(np.float32), size


def _closer_look(first: tuple[Photo, Floats, Floats, tuple[int, int]], focus: Floats) -> Floats:
    photo, _, _, size = first
    box = look.closer(focus.tolist(), *size, MARGIN)
    return images.pixels(photo, INPUT, part=box).pixels.astype(np.float32)


def _known(db: sqlite3.Connection, key: bytes) -> bool:
    both = "SELECT 1 FROM features JOIN signs USING (key) WHERE key = ?"
    return db.execute(both, (key,)).fetchone() is not None


def _read(db: sqlite3.Connection, key: bytes) -> Floats:
    (vectors,) = db.execute("SELECT vectors FROM features WHERE key = ?", (key,)).fetchone()
    return np.frombuffer(vectors, np.float32).reshape(len(View), -1)
