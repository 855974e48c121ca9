"""Two results on the same photos, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.data.labelled_photos import Group
from models.evaluation import metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.arrays import Array, Index
    from models.evaluation.results import Results

NO_DIFFERENCE = "no difference shown"


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of two bundles, as shares 0..1; `low..high` is the difference's 95 % interval."""

    figure: str
    before: float
    after: float
    low: float
    high: float
    photos: int
    more_is_better: bool

    @property
    def verdict(self) -> str:
        """What the interval shows."""
        if self.low <= 0 <= self.high:
            return NO_DIFFERENCE
        return "better" if (self.low > 0) == self.more_is_better else "worse"


def compare(before: Results, after: Results) -> list[Difference]:
    """Paired differences. Raises ValueError if the photos or the species differ."""
    if [p.path for p in before.photos] != [p.path for p in after.photos]:
        raise ValueError("the two results are for different photos")
    if before.species != after.species:
        raise ValueError("the two bundles have different species")
    known = before.known
    rates: list[tuple[str, Index, Callable[[Results, Index], Array], bool]] = [
        ("species right (top 1)", known, _right, True),
        ("true species in the set", known, _in_set, True),
        ("parrots kept", np.flatnonzero(before.of(Group.PARROTS)), _kept, True),
        ("other birds let through", np.flatnonzero(before.of(Group.OTHER_BIRDS)), _kept, False),
        ("non-birds let through", np.flatnonzero(before.of(Group.NEGATIVES)), _kept, False),
    ]
    differences = []
    for name, photos, rate, more_is_better in rates:
        if not len(photos):
            continue
        first, second = rate(before, photos), rate(after, photos)
        _, low, high = metrics.paired_difference(first, second)
        shares = float(first.mean()), float(second.mean())
        differences.append(Difference(name, *shares, low, high, len(photos), more_is_better))
    return differences


def _right(results: Results, photos: Index) -> Array:
    return np.asarray(results.guess[photos] == results.target[photos], np.float64)


def _in_set(results: Results, photos: Index) -> Array:
    return np.asarray(results.sets[photos, results.target[photos]], np.float64)


def _kept(results: Results, photos: Index) -> Array:
    return np.asarray(results.is_parrot[photos], np.float64)
