"""Near-duplicates: the perceptual hash, how it is looked up, which photo names which."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from parrot.errors import StoreUnavailable
from parrot.observation import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from parrot.observation import Observation
    from parrot.store import ObservationStore

_WAVES, _GRID = 8, 32
_TRIES = 20
# Bits of 64. The same picture in another size or quality stays within; other pictures are 16 away.
SIMILAR_BITS = 3
# Rows are the slowest waves of a discrete cosine transform over _GRID samples.
_COSINES = np.cos(np.pi * np.outer(np.arange(_WAVES), 2 * np.arange(_GRID) + 1) / (2 * _GRID))


def perceptual_hash(image: Image.Image) -> str:
    """64 bits that survive another size, quality or format of the same picture, as hex.

    Each bit says whether one of the 64 slowest waves of the brightness is above their median.
    """
    grid = image.convert("L").resize((_GRID, _GRID), Image.Resampling.LANCZOS)
    waves = (_COSINES @ np.asarray(grid, np.float64) @ _COSINES.T).ravel()
    bits = waves > np.median(waves[1:])  # the first is the mean brightness, far from all others
    return np.packbits(bits).tobytes().hex()


def quarters(phash: str) -> tuple[str, ...]:
    """A perceptual hash's four 16-bit quarters, each with its number.

    Hashes that differ in at most three bits share at least one: stores look that one up.
    """
    return tuple(f"{number}{phash[number * 4 : number * 4 + 4]}" for number in range(4))


def distance(phash: str, other: str) -> int:
    """In how many bits two perceptual hashes differ."""
    return (int(phash, 16) ^ int(other, 16)).bit_count()


def original_of(observation: Observation, similar: Iterable[Observation]) -> str | None:
    """Id of the oldest of those that look like it and are older, if there is one."""
    older = [other.place for other in similar if other.place < observation.place]
    return min(older).id if older else None


def settle(store: ObservationStore, twin: Observation, *, now: Callable[[], datetime]) -> None:
    """Make an observation name the oldest that looks like it. Raises StoreUnavailable.

    It looks again after it wrote: what is marked for deletion before that look is not named any
    more, and whoever marks it later finds the name and calls this again.
    """
    for _ in range(_TRIES):
        current = store.get(twin.uid, twin.id)
        if current is None or current.status is Status.DELETING:
            return
        named = None
        if current.derived is not None:
            phash = current.derived.phash
            named = original_of(current, store.similar(twin.uid, phash, distance=SIMILAR_BITS))
        if named == current.duplicate_of:
            return
        store.replace(replace(current, duplicate_of=named, updated=now()))
    raise StoreUnavailable(f"observation {twin.id} is being changed all the time")
