"""Photos to features, once: cached by photo, stress, background and backbone.

Every sample is looked at in three ways (`models.data.samples`). What is known already is in one
SQLite file, written batch by batch, so that an interrupted run goes on where it stopped. Beside the
features there is what a first look says about the photo itself, in a table of its own, so that the
features stay valid where something is measured differently.
"""

from __future__ import annotations

import hashlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.data.samples import FirstLook, Views
from models.network import focus
from models.network.backbone import BACKBONE, CELLS, TRUNK_CHANNELS, Backbone, pooled_features
from models.network.lazy_tf import tf
from models.network.model_folder import INPUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from models.arrays import Halves
    from models.data.samples import Sample
    from models.network.weights import Tail
    from parrot.records import Floats

    Batch = tuple[list[bytes], Floats, Floats, Halves]

_BATCH = 24
_THREADS = 2  # decoding beside the forward pass; Pillow lets go of the GIL
_MAPS = (len(Views), CELLS, CELLS, TRUNK_CHANNELS)  # of a sample's three views
# Raise when preprocessing, stresses, focus or the forward pass change what they compute.
_REVISION = 2
# The tables: float32 (views, features); float32 (signs); float16 (views, cells, cells, channels)
# before the backbone's last blocks.
_COLUMNS = {"features": "vectors", "signs": "vector", "maps": "trunk"}


@dataclass(frozen=True, slots=True)
class _Cache:
    db: sqlite3.Connection

    def has(self, table: str, key: bytes) -> bool:
        query = f"SELECT 1 FROM {table} WHERE key = ?"  # noqa: S608 - a constant of `_COLUMNS`
        return self.db.execute(query, (key,)).fetchone() is not None

    def read(self, table: str, key: bytes) -> bytes:
        query = f"SELECT {_COLUMNS[table]} FROM {table} WHERE key = ?"  # noqa: S608 - as above
        (data,) = self.db.execute(query, (key,)).fetchone()
        return bytes(data)

    def maps(self, key: bytes) -> Halves:
        return np.frombuffer(self.read("maps", key), np.float16).reshape(_MAPS)

    def write(self, table: str, keys: Sequence[bytes], arrays: Floats | Halves) -> None:
        query = f"INSERT OR REPLACE INTO {table} VALUES (?, ?)"  # noqa: S608 - as above
        with self.db:
            rows = [(key, row.tobytes()) for key, row in zip(keys, arrays, strict=True)]
            self.db.executemany(query, rows)


@contextmanager
def _opened(path: Path) -> Iterator[_Cache]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=60)) as db:
        for table, column in _COLUMNS.items():
            db.execute(f"CREATE TABLE IF NOT EXISTS {table} (key BLOB PRIMARY KEY, {column} BLOB)")
        yield _Cache(db)


@dataclass(frozen=True, slots=True)
class Extractor:
    """What decides a photo's features, and where those known already are kept."""

    cache: Path
    tail: Tail | None = None  # the last blocks of a fine-tuned bundle
    keep_maps: bool = False  # what fine-tuning starts from

    def features(
        self, samples: Sequence[Sample], progress: Callable[[int], None] = lambda _count: None
    ) -> Floats:
        """(n, views, features), in the order of `samples`.

        `progress` gets the number of samples finished since its last call. Raises
        InvalidImage with the photo's path, BadBundle for a tail of another backbone.
        """
        tables = ["features", "signs", *(["maps"] if self.keep_maps else [])]
        with _opened(self.cache) as cache:
            keys = self._keys(samples)
            missing = [
                (key, sample)
                for key, sample in zip(keys, samples, strict=True)
                if not all(cache.has(table, key) for table in tables)
            ]
            progress(len(samples) - len(missing))
            for done, features, signs, maps in self._extract(cache, missing):
                cache.write("signs", done, signs)
                cache.write("features", done, features)
                if self.keep_maps:
                    cache.write("maps", done, maps)
                progress(len(done))
            rows = [np.frombuffer(cache.read("features", key), np.float32) for key in keys]
            return np.stack(rows).reshape(len(keys), len(Views), -1)

    def signs(self, samples: Sequence[Sample]) -> Floats:
        """(n, signs) of samples whose features are known, in their order: see `samples.SIGNS`."""
        with _opened(self.cache) as cache:
            rows = [cache.read("signs", key) for key in self._keys(samples)]
            return np.stack([np.frombuffer(row, np.float32) for row in rows])

    def maps(self, samples: Sequence[Sample]) -> Halves:
        """(n, views, cells, cells, channels): the maps that `features` kept of these samples."""
        with _opened(self.cache) as cache:
            maps = np.zeros((len(samples), *_MAPS), np.float16)
            for number, key in enumerate(self._keys(samples)):
                maps[number] = cache.maps(key)
            return maps

    def digest(self, samples: Sequence[Sample]) -> bytes:
        """Tells apart what is extracted of these samples."""
        return hashlib.sha256(b"".join(self._keys(samples))).digest()

    def after(self, tail: Tail) -> Extractor:
        """The same photos after these last blocks."""
        return replace(self, tail=tail, keep_maps=False)

    def _extract(self, cache: _Cache, jobs: Sequence[tuple[bytes, Sample]]) -> Iterator[Batch]:
        """Keys, features, signs and maps, a batch at a time."""
        if not jobs:
            return
        network = _Network(self.tail)
        with ThreadPoolExecutor(_THREADS) as pool:
            for start in range(0, len(jobs), _BATCH):
                keys, samples = zip(*jobs[start : start + _BATCH], strict=True)
                looks = list(pool.map(FirstLook.at, samples))
                maps = self._known_maps(cache, samples)
                if maps is None:
                    centers = np.stack(list(pool.map(FirstLook.center, looks)))
                    wholes = np.stack([look.pixels for look in looks])
                    maps = [network.trunk(wholes), network.trunk(centers)]
                (whole, foci), (center, _) = (network.after_trunk(views) for views in maps)
                cuts = np.stack(list(pool.map(FirstLook.closer, looks, foci.numpy())))
                closer_maps = network.trunk(cuts)
                closer, _ = network.after_trunk(closer_maps)
                signs = [look.signs(box) for look, box in zip(looks, foci.numpy(), strict=True)]
                yield (
                    list(keys),
                    np.stack([whole, center, closer], axis=1),
                    np.stack(signs),
                    np.stack([*maps, closer_maps], axis=1).astype(np.float16),
                )

    def _known_maps(
        self, cache: _Cache, samples: Sequence[Sample]
    ) -> list[npt.NDArray[np.float32]] | None:
        """The trunk's maps of the first two views, if an extractor without a tail kept them all.

        Where to look closer depends on the tail, so the third is not among them.
        """
        if self.tail is None:
            return None
        keys = replace(self, tail=None)._keys(samples)  # noqa: SLF001 - of the same class
        if not all(cache.has("maps", key) for key in keys):
            return None
        maps = np.stack([cache.maps(key) for key in keys]).astype(np.float32)
        return [maps[:, Views.WHOLE], maps[:, Views.CENTER]]

    def _keys(self, samples: Sequence[Sample]) -> list[bytes]:
        digests: dict[Path, str] = {}

        def digest(path: Path) -> str:
            if path not in digests:
                digests[path] = hashlib.sha256(path.read_bytes()).hexdigest()
            return digests[path]

        network = [str(_REVISION), BACKBONE]
        if self.tail is not None:
            network.append(self.tail.digest())
        keys = []
        for sample in samples:
            parts = [*network, digest(sample.path)]
            if sample.stress is not None:
                parts.append(sample.stress.name)
                parts.append(digest(sample.background) if sample.background else "")
            keys.append(hashlib.sha256("\n".join(parts).encode()).digest())
        return keys


class _Network:
    """The two parts of the forward pass as graphs."""

    def __init__(self, tail: Tail | None) -> None:
        backbone = Backbone.load()
        backbone = backbone if tail is None else backbone.with_tail(tail)
        tensor, function = tf().TensorSpec, tf().function
        pixels = tensor([None, INPUT.height, INPUT.width, 3], tf().float32)
        self.trunk = function(backbone.trunk, input_signature=[pixels])

        @function(input_signature=[tensor([None, *_MAPS[1:]], tf().float32)])  # type: ignore[untyped-decorator]
        def after_trunk(maps: object) -> object:
            activations = backbone.after_trunk(maps)
            return pooled_features(activations), focus.focus(activations)[:, 0]

        self.after_trunk = after_trunk
