"""Whether photos of a week differ from what is usual, by version of the app that sent them.

Each measure has one chi-square test over its bins, of each version. What that finds is drift if it
is too much for chance, and enough to matter.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, chi2_contingency

from models.arrays import Array
from models.evaluation.baseline import (
    MEASURES,
    Baseline,
    Measure,
    PhotoLine,
    Spread,
    spread,
)
from parrot.logs import SAVED

LEAST = 100  # photos of a version; of fewer nothing is said
OTHER_VERSIONS = "(versions with few photos)"
_LEAST_OF_A_MEASURE = 40
# How likely a week has a false alarm, all versions and measures together: in 26 weeks a quarter.
_CHANCE = 0.01
_SERIES = 1.8  # photos come in series, of one bird or one place: so many say as much as one
_MATTERS = 0.1  # the least stability index that counts against an earlier week
_PRIOR = 0.5  # photos beside those that were counted, so that no bin is empty
_WORDS = {  # of so many; else, what they are if numbers are larger, and if smaller
    "verdict": ("are answered {}", ""),
    "reason": ("are refused as {}", ""),
    "names": ("get {} of the names that the bundle knows", ""),
    "doubt": ("are answered with more doubt", "are answered with less doubt"),
    "distance": ("are less like what the bundle was fitted on", "are more like that"),
    "brightness": ("are brighter", "are darker"),
    "sharpness": ("are sharper", "are less sharp"),
    "side": ("are larger", "are smaller"),
}


@dataclass(slots=True)
class Row:
    """One measure of one version."""

    app: str
    measure: Measure
    now: Spread
    usual: Spread
    matters: float  # the least stability index that counts
    drift: bool = False

    @property
    def index(self) -> float:
        """Population stability index: 0 for the same spread."""
        now, usual = self._shares
        return float(((now - usual) * np.log(now / usual)).sum())

    @property
    def more(self) -> float:
        """By how many bins numbers are larger than usual; below 0 they are smaller."""
        now, usual = self._shares
        return float(((now - usual) * np.arange(len(now))).sum())

    @property
    def chance(self) -> float:
        """How likely photos like the usual ones differ as much; bins without photos say nothing."""
        counts = np.array([self.now.counts, self.usual.counts], float)
        counts = counts[:, counts.any(axis=0)]
        square, _, freedom, _ = chi2_contingency(counts, correction=False)
        return float(chi2.sf(square / _SERIES, freedom)) if freedom else 1.0

    @property
    def seen(self) -> tuple[str, str, str]:
        """What it is about, how that usually is, and how it is now: of kinds the one that grew."""
        name, kinds = self.measure.key, self.measure.kinds
        if not kinds:
            return name, f"{self.usual.median:g}", f"{self.now.median:g}"
        now, usual = self._shares
        grown = int((now - usual).argmax())
        shares = [each.counts[grown] / each.photos for each in (self.usual, self.now)]
        return f"{name}: {kinds[grown]}", f"{shares[0]:.0%}", f"{shares[1]:.0%}"

    @property
    def sentence(self) -> str:
        """What was found, for somebody who has to mend it."""
        (name, usual, now), who = self.seen, self.measure.who
        words = _WORDS[self.measure.name][bool(not self.measure.kinds and self.more < 0)]
        if self.measure.kinds:
            words = words.format(name.rpartition(" ")[2])
            return f"app {self.app}: {now} of {who} {words}, usually {usual}"
        middle = f"median {self.measure.name} {now}, usually {usual}"
        return f"app {self.app}: {who} {words} than usual: {middle}"

    @property
    def _shares(self) -> tuple[Array, Array]:
        counts = np.array([self.now.counts, self.usual.counts], float) + _PRIOR
        now, usual = counts / counts.sum(axis=1, keepdims=True)
        return now, usual


def compare(usual: tuple[Baseline, Baseline], lines: Sequence[PhotoLine]) -> list[Row]:
    """A row for each version of an app and each measure that can be compared.

    `usual` is that of photos that apps send, and of saved ones.
    """
    rows = [
        row for app, sent in _by_app(lines).items() for row in _rows(usual[app == SAVED], app, sent)
    ]
    for row in rows:
        worse = row.more * row.measure.worse >= 0
        row.drift = worse and row.index > row.matters and row.chance < _CHANCE / len(rows)
    return rows


def _by_app(lines: Sequence[PhotoLine]) -> dict[str, list[PhotoLine]]:
    """Those with enough photos by themselves, and all others together if that is enough."""
    every = defaultdict(list)
    for line in lines:
        every[line.app].append(line)
    known = {app: sent for app, sent in every.items() if len(sent) >= LEAST}
    few = [line for line in lines if line.app not in known and line.app != SAVED]
    return {**known, OTHER_VERSIONS: few} if len(few) >= LEAST else known


def _rows(baseline: Baseline, app: str, sent: Sequence[PhotoLine]) -> Iterator[Row]:
    for measure in MEASURES:
        usual = baseline.spreads.get(measure.key)
        if usual is not None and usual.photos >= _LEAST_OF_A_MEASURE:
            now = spread(measure, sent, usual.edges)
            if now.photos >= _LEAST_OF_A_MEASURE:
                matters = measure.matters if baseline.training else _MATTERS
                yield Row(app, measure, now, usual, matters)
