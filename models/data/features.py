"""Photos to features, once: cached by photo, stress, background and backbone.

Every sample is looked at in four ways (`models.data.samples`). What is known already is in one
SQLite file, written batch by batch, so that an interrupted run goes on where it stopped. Beside the
features there is what a first look says about the photo itself, in a table of its own, so that the
features stay valid where something is measured differently.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.arrays import Floats, Halves
from models.data.samples import PARTS, FirstLook, Sample, Views
from models.network import focus
from models.network.backbone import BACKBONE, CELLS, TRUNK_CHANNELS, Backbone, pooled_features
from models.network.lazy_tf import each_on_a_core, tf
from models.network.model_folder import INPUT
from models.network.weights import TAIL_FILE, Tail
from parrot.model.bundle import BundleFiles, verified
from parrot.model.manifest import Manifest

Batch = tuple[list[bytes], Floats, Floats, Halves]

_BATCH = 24
_MANY = 20 * _BATCH  # from here on other processes are worth starting
_THREADS = 2  # decoding beside the forward pass; Pillow lets go of the GIL
_MAPS = (len(Views), CELLS, CELLS, TRUNK_CHANNELS)  # of a sample's views
_WINDOWS = 8  # edges of two
# Raise when preprocessing, stresses, focus or the forward pass change what they compute.
_REVISION = 3
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

    def signs(self, key: bytes) -> Floats:
        return np.frombuffer(self.read("signs", key), np.float32)

    def write(self, table: str, keys: Sequence[bytes], arrays: Floats | Halves) -> None:
        query = f"INSERT OR REPLACE INTO {table} VALUES (?, ?)"  # noqa: S608 - as above
        with self.db:
            rows = [(key, row.tobytes()) for key, row in zip(keys, arrays, strict=True)]
            self.db.executemany(query, rows)

    def keep(self, keys: Sequence[bytes]) -> None:
        """Delete every other row, and leave none of its bytes in the file."""
        with self.db:
            self.db.execute("CREATE TEMP TABLE kept (key BLOB PRIMARY KEY)")
            self.db.executemany("INSERT OR IGNORE INTO kept VALUES (?)", [(key,) for key in keys])
            queries = [f"DELETE FROM {table} WHERE key NOT IN kept" for table in _COLUMNS]  # noqa: S608 - as above
            gone = sum(self.db.execute(query).rowcount for query in queries)
            self.db.execute("DROP TABLE kept")
        if gone:
            self.db.execute("VACUUM")


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
    alone: bool = False  # in this process, which is one of several

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
            for done, features, signs, maps in self._batches(cache, missing):
                cache.write("signs", done, signs)
                cache.write("features", done, features)
                if self.keep_maps:
                    cache.write("maps", done, maps)
                progress(len(done))
            rows = [np.frombuffer(cache.read("features", key), np.float32) for key in keys]
            return np.stack(rows).reshape(len(keys), len(Views), -1)

    def signs(self, samples: Sequence[Sample]) -> Floats:
        """(n, signs) of samples whose features are known, in their order: see `FirstLook.signs`."""
        with _opened(self.cache) as cache:
            return np.stack([cache.signs(key) for key in self._keys(samples)])

    def maps(self, samples: Sequence[Sample]) -> Halves:
        """(n, views, cells, cells, channels): the maps that `features` kept of these samples."""
        with _opened(self.cache) as cache:
            maps = np.zeros((len(samples), *_MAPS), np.float16)
            for number, key in enumerate(self._keys(samples)):
                maps[number] = cache.maps(key)
            return maps

    def keep(self, samples: Sequence[Sample]) -> None:
        """Forget what is known of any other sample: its photo may have been taken back."""
        with _opened(self.cache) as cache:
            cache.keep(self._keys(samples))

    def digest(self, samples: Sequence[Sample]) -> bytes:
        """Tells apart what is extracted of these samples."""
        return hashlib.sha256(b"".join(self._keys(samples))).digest()

    def after(self, tail: Tail) -> Extractor:
        """The same photos after these last blocks."""
        return replace(self, tail=tail, keep_maps=False)

    def of_bundle(self, files: BundleFiles, manifest: Manifest) -> Extractor:
        """The same photos after a bundle's own last blocks, if it has some. Raises BadBundle."""
        if TAIL_FILE not in manifest.files:
            return self
        return self.after(Tail.load(verified(files, manifest, TAIL_FILE)))

    def _batches(self, cache: _Cache, jobs: Sequence[tuple[bytes, Sample]]) -> Iterator[Batch]:
        if self.alone or len(jobs) < _MANY:
            yield from self._extract(cache, jobs)
            return
        parts = [jobs[start : start + _MANY] for start in range(0, len(jobs), _MANY)]
        for batches in each_on_a_core(_extracted, [(self, part) for part in parts]):
            yield from batches

    def _extract(self, cache: _Cache, jobs: Sequence[tuple[bytes, Sample]]) -> Iterator[Batch]:
        """Keys, features, signs and maps, a batch at a time."""
        if not jobs:
            return
        network = _Network(self.tail)
        with ThreadPoolExecutor(_THREADS) as pool:
            for start in range(0, len(jobs), _BATCH):
                keys, samples = zip(*jobs[start : start + _BATCH], strict=True)
                maps, signs, looks = self._known(cache, samples) or _first(network, pool, samples)
                _, windows = network.after_trunk(maps[:, Views.WHOLE])
                windows = windows.numpy()
                moved = (signs[:, PARTS[1] :] != windows.reshape(len(keys), -1)).any(axis=1)
                rows = np.flatnonzero(moved).tolist()
                if rows:
                    seen = looks or list(pool.map(FirstLook.at, [samples[row] for row in rows]))
                    cuts = np.stack(list(pool.map(FirstLook.closer, seen, windows[rows])), axis=1)
                    for view, pixels in zip((Views.CLOSER, Views.SECOND), cuts, strict=True):
                        maps[rows, view] = network.trunk(pixels)
                    signs[rows] = list(map(FirstLook.signs, seen, windows[rows]))
                features = [network.after_trunk(maps[:, view])[0].numpy() for view in Views]
                yield list(keys), np.stack(features, axis=1), signs, maps.astype(np.float16)

    def _known(
        self, cache: _Cache, samples: Sequence[Sample]
    ) -> tuple[Floats, Floats, list[FirstLook]] | None:
        """The trunk's maps and signs, if an extractor without a tail kept them all.

        Where to look closer depends on the tail, so closer views may have to be taken again.
        """
        if self.tail is None:
            return None
        keys = replace(self, tail=None)._keys(samples)  # noqa: SLF001 - of the same class
        if not all(cache.has("maps", key) for key in keys):
            return None
        maps = np.stack([cache.maps(key) for key in keys]).astype(np.float32)
        return maps, np.stack([cache.signs(key) for key in keys]), []

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


def _extracted(extractor: Extractor, jobs: Sequence[tuple[bytes, Sample]]) -> list[Batch]:
    with _opened(extractor.cache) as cache:
        return list(extractor._extract(cache, jobs))  # noqa: SLF001 - of this module


def _first(
    network: _Network, pool: ThreadPoolExecutor, samples: Sequence[Sample]
) -> tuple[Floats, Floats, list[FirstLook]]:
    """Maps of the views that need no window, signs that fit none, and the photos."""
    looks = list(pool.map(FirstLook.at, samples))
    maps = np.zeros((len(samples), *_MAPS), np.float32)
    maps[:, Views.WHOLE] = network.trunk(np.stack([look.pixels for look in looks]))
    maps[:, Views.CENTER] = network.trunk(np.stack(list(pool.map(FirstLook.center, looks))))
    return maps, np.full((len(samples), PARTS[1] + _WINDOWS), np.nan, np.float32), looks


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
            return pooled_features(activations), focus.focus(activations)

        self.after_trunk = after_trunk
