"""Two results on the same photos, side by side."""

from dataclasses import dataclass

import numpy as np

from models.arrays import Flags
from models.data.labelled_photos import Group
from models.evaluation import metrics
from models.evaluation.results import Judged, Results

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


@dataclass(frozen=True, slots=True)
class ComparisonTable:
    """Differences of one kind of photo."""

    title: str
    photos: int
    differences: list[Difference]

    @property
    def reach(self) -> float:
        """The difference at both ends of its scale: the largest, in whole percent."""
        ends = (abs(end) for line in self.differences for end in (line.low, line.high))
        return float(np.ceil(max([0.001, *ends]) * 100) / 100)

    def place(self, difference: float) -> float:
        """Where it lies on the scale, 0..1 with 0.5 for none."""
        return 0.5 + difference / self.reach / 2


def compare(before: Judged, after: Judged) -> list[ComparisonTable]:
    """Photos as they are, every stress together, then each stress.

    Raises ValueError if the photos or the species differ.
    """
    pairs = {
        "as they are": (before.clean, after.clean),
        "stressed": (before.stressed, after.stressed),
    }
    first, second = before.by_stress(), after.by_stress()
    pairs |= {name: (first[name], second[name]) for name in first}
    return [
        ComparisonTable(title, len(pair[0].photos), differences(*pair))
        for title, pair in pairs.items()
    ]


def differences(before: Results, after: Results) -> list[Difference]:
    """Paired differences. Raises ValueError if the photos or the species differ."""
    if [p.path for p in before.photos] != [p.path for p in after.photos]:
        raise ValueError("the two results are for different photos")
    if before.species != after.species:
        raise ValueError("the two bundles have different species")
    lines = []
    for (name, first), second in zip(_hits(before).items(), _hits(after).values(), strict=True):
        if len(first):
            _, low, high = metrics.paired_difference(first, second)
            shares = float(first.mean()), float(second.mean())
            better = not name.endswith("let through")
            lines.append(Difference(name, *shares, low, high, len(first), better))
    return lines


def _hits(results: Results) -> dict[str, Flags]:
    """Of the photos that each figure is about, whether it counts them."""
    known, answered = results.known, results.is_parrot
    return {
        "species right (top 1)": results.right,
        "true species in the set": results.sets[known, results.target[known]],
        "parrots kept": answered[results.of(Group.PARROTS)],
        "other birds let through": answered[results.of(Group.OTHER_BIRDS)],
        "non-birds let through": answered[results.of(Group.NEGATIVES)],
    }
