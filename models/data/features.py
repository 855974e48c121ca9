"""Photos to features, once: cached by photo, stress, background and backbone.

Every sample is looked at in the three ways that a function may look at it: whole, the centre
square, and closer (`parrot.model.look`). The pixels come from `parrot.photo.images`, the very
module that serves. What is known already comes from `feature_cache`, so that an interrupted run
goes on where it stopped. Beside the features there is what a first look says about the photo itself
(`models.data.signs`).
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.data import feature_cache, signs
from models.data.feature_cache import Kept
from models.network import focus
from models.network.backbone import CELLS, TRUNK_CHANNELS, Backbone, pooled_features
from models.network.classifier import INPUT
from models.network.lazy_tf import tf
from parrot.errors import InvalidImage, RequestError
from parrot.model import look
from parrot.photo import images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from models.data.feature_cache import FeatureCache, Halves
    from models.data.samples import Sample
    from models.network.backbone import BackboneSpec
    from models.network.tail import Tail
    from parrot.records import Floats, Photo

MARGIN = 1.1  # of the closer look around the focus
_BATCH = 24
_THREADS = 2  # decoding beside the forward pass; Pillow lets go of the GIL
_MAPS = (3, CELLS, CELLS, TRUNK_CHANNELS)  # of a sample's three views
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
    tail: Tail | None = None  # the last blocks of a fine-tuned bundle
    keep_maps: bool = False  # what fine-tuning starts from

    def features(
        self, samples: Sequence[Sample], progress: Callable[[int], None] = lambda _count: None
    ) -> Floats:
        """(n, views, features), in the order of `samples`.

        `progress` is told how many samples were finished since it was last told. Raises
        InvalidImage with the photo's path, BadBundle for a tail of another backbone.
        """
        wanted = [Kept.FEATURES, Kept.SIGNS, *([Kept.MAPS] if self.keep_maps else [])]
        with feature_cache.opened(self.cache) as cache:
            keys = self._keys(samples)
            missing = [
                (key, sample)
                for key, sample in zip(keys, samples, strict=True)
                if not all(cache.has(kept, key) for kept in wanted)
            ]
            progress(len(samples) - len(missing))
            for done, features, seen, maps in self._extract(cache, missing):
                cache.write(Kept.SIGNS, done, seen)
                cache.write(Kept.FEATURES, done, features)
                if self.keep_maps:
                    cache.write(Kept.MAPS, done, maps.astype(np.float16))
                progress(len(done))
            return np.stack([cache.features(key, len(View)) for key in keys])

    def signs(self, samples: Sequence[Sample]) -> Floats:
        """(n, signs) of samples whose features are known, in their order: see `signs.SIGNS`."""
        with feature_cache.opened(self.cache) as cache:
            return np.stack([cache.signs(key) for key in self._keys(samples)])

    def maps(self, samples: Sequence[Sample]) -> Halves:
        """(n, views, cells, cells, channels): the maps that `features` kept of these samples."""
        with feature_cache.opened(self.cache) as cache:
            maps = np.zeros((len(samples), *_MAPS), np.float16)
            for number, key in enumerate(self._keys(samples)):
                maps[number] = cache.maps(key, _MAPS)
            return maps

    def digest(self, samples: Sequence[Sample]) -> bytes:
        """Tells apart what is extracted of these samples."""
        return hashlib.sha256(b"".join(self._keys(samples))).digest()

    def after(self, tail: Tail) -> Extractor:
        """The same photos after these last blocks."""
        return replace(self, tail=tail, keep_maps=False)

    def _extract(
        self, cache: FeatureCache, jobs: Sequence[tuple[bytes, Sample]]
    ) -> Iterator[tuple[list[bytes], Floats, Floats, Floats]]:
        """Keys, features, signs and maps, a batch at a time."""
        if not jobs:
            return
        network = _Network(self.backbone, self.tail)
        batches = [jobs[start : start + _BATCH] for start in range(0, len(jobs), _BATCH)]
        with ThreadPoolExecutor(_THREADS) as pool:
            for batch in batches:
                keys, samples = zip(*batch, strict=True)
                first = list(pool.map(_first_look, samples))
                maps = self._known_maps(cache, samples)
                if maps is None:
                    centers = np.stack(list(pool.map(_center_look, samples, first)))
                    whole_pixels = np.stack([look.pixels for look in first])
                    maps = [network.trunk(whole_pixels), network.trunk(centers)]
                (whole, foci), (center, _) = (network.after_trunk(views) for views in maps)
                cuts = list(pool.map(_closer_look, first, foci.numpy()))
                closer_maps = network.trunk(np.stack(cuts))
                closer, _ = network.after_trunk(closer_maps)
                seen = [
                    signs.of(look.pixels, look.size, box)
                    for look, box in zip(first, foci.numpy(), strict=True)
                ]
                features = np.stack([whole, center, closer], axis=1)
                every_map = np.stack([*maps, closer_maps], axis=1)
                yield list(keys), features, np.stack(seen), every_map

    def _known_maps(
        self, cache: FeatureCache, samples: Sequence[Sample]
    ) -> list[npt.NDArray[np.float32]] | None:
        """The trunk's maps of the first two views, if an extractor without a tail kept them all.

        Where to look closer depends on the tail, so the third is not among them.
        """
        if self.tail is None:
            return None
        keys = replace(self, tail=None)._keys(samples)  # noqa: SLF001 - of the same class
        if not all(cache.has(Kept.MAPS, key) for key in keys):
            return None
        found = np.stack([cache.maps(key, _MAPS) for key in keys]).astype(np.float32)
        return [found[:, View.WHOLE], found[:, View.CENTER]]

    def _keys(self, samples: Sequence[Sample]) -> list[bytes]:
        digests: dict[Path, str] = {}

        def digest(path: Path) -> str:
            if path not in digests:
                digests[path] = hashlib.sha256(path.read_bytes()).hexdigest()
            return digests[path]

        network = [str(_REVISION), self.backbone.name]
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

    def __init__(self, spec: BackboneSpec, tail: Tail | None) -> None:
        backbone = Backbone.load(spec)
        backbone = backbone if tail is None else backbone.with_tail(tail)
        tensor, function = tf().TensorSpec, tf().function
        pixels = tensor([None, INPUT.height, INPUT.width, 3], tf().float32)
        self.trunk = function(backbone.trunk, input_signature=[pixels])

        @function(input_signature=[tensor([None, *_MAPS[1:]], tf().float32)])  # type: ignore[untyped-decorator]
        def after_trunk(maps: object) -> object:
            activations = backbone.after_trunk(maps)
            return pooled_features(activations), focus.focus(activations)

        self.after_trunk = after_trunk


class _Look(NamedTuple):
    """A photo, its size as it stands upright, and the pixels of a first look."""

    photo: Photo
    size: tuple[int, int]
    pixels: Floats


def _first_look(sample: Sample) -> _Look:
    try:
        photo = sample.photo()
        whole = images.pixels(photo, INPUT)
    except RequestError as error:
        raise InvalidImage(f"{sample.path}: {error.detail}") from error
    return _Look(photo, (whole.width, whole.height), whole.pixels.astype(np.float32))


def _center_look(sample: Sample, first: _Look) -> Floats:
    try:
        (raster,) = images.parts(first.photo, INPUT, [look.center(*first.size)])
    except RequestError as error:
        raise InvalidImage(f"{sample.path}: {error.detail}") from error
    return raster.pixels.astype(np.float32)


def _closer_look(first: _Look, focus: Floats) -> Floats:
    box = look.closer(focus.tolist(), *first.size, MARGIN)
    (raster,) = images.parts(first.photo, INPUT, [box])
    return raster.pixels.astype(np.float32)
