"""Measures of photos in the log, and how they are spread: what a week of them is compared with.

A bundle may have the baseline of the photos that it was fitted on, `baseline.json`; an earlier
week's is made of its lines. People photograph another mix than a training set has, so measures are
kept apart for possible parrots and for other photos, and what says nothing but the mix is never
compared with a training set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from parrot.errors import BadBundle
from parrot.logs import PHOTO, SAVED
from parrot.records import Reason

NAME = "baseline.json"
NO_VERSION = "(no version)"
VERDICTS = ("yes", "maybe", "no")
NAMES = ("none", "one", "several")
_Version = Annotated[str, msgspec.Meta(pattern=r"^[\x20-\x7e]{1,64}$")]
_BINS = 5
_DECIMALS = 4
_WHO = {
    ("yes", "maybe", "no"): "photos",
    ("yes", "maybe"): "photos of parrots",
    ("no",): "other photos",
}
_EVERY, _PARROTS, _OTHERS = _WHO


class PhotoLine(msgspec.Struct, frozen=True):
    """What `logs.photo` wrote about one photo; None for what its bundle does not tell."""

    bundle: _Version
    verdict: Literal["yes", "maybe", "no"]
    doubt: float
    brightness: float
    sharpness: float
    side: float
    app: _Version = NO_VERSION
    reason: Reason | None = None
    names: int | None = None  # species that it may be
    distance: float | None = None


class Measure(msgspec.Struct, frozen=True):
    """What is compared, of photos with which verdicts."""

    name: str
    verdicts: tuple[str, ...]
    kinds: tuple[str, ...] = ()  # empty for numbers
    worse: int = 0  # 1: only larger numbers are drift, -1: only smaller ones
    mix: bool = False  # depends on what people photograph: a training set cannot tell
    matters: float = 0.25  # the least stability index that counts against a training set

    @property
    def who(self) -> str:
        """Which photos it is about."""
        return _WHO[self.verdicts]

    @property
    def key(self) -> str:
        """Its name in a baseline."""
        return f"{self.name}, {self.who}"

    def values(self, lines: Sequence[PhotoLine]) -> list[Any]:
        """Of those photos; without what the bundle does not tell."""
        every = [getattr(line, self.name) for line in lines if line.verdict in self.verdicts]
        return [value for value in every if value is not None]


# How large and sharp its photos are says how a training set was collected. Photos of sources that a
# fit never saw had indices of up to 1.8 here, and of up to 0.16 elsewhere: docs/learning.md.
_COLLECTED = 2.5
MEASURES = (
    Measure("verdict", _EVERY, VERDICTS, mix=True),
    Measure("reason", _OTHERS, tuple(Reason), mix=True),
    Measure("names", _PARROTS, NAMES, mix=True),
    Measure("doubt", _PARROTS, worse=1),
    Measure("doubt", _OTHERS, worse=1),
    Measure("distance", _PARROTS, worse=1),
    Measure("brightness", _PARROTS, matters=_COLLECTED),
    Measure("brightness", _OTHERS, matters=_COLLECTED),
    Measure("sharpness", _PARROTS, worse=-1, matters=_COLLECTED),
    Measure("sharpness", _OTHERS, worse=-1, matters=_COLLECTED),
    Measure("side", _PARROTS, worse=-1, matters=_COLLECTED),
    Measure("side", _OTHERS, worse=-1, matters=_COLLECTED),
)


class Spread(msgspec.Struct, frozen=True):
    """Photos by bin: `edges` divide numbers; kinds, which have none, are bins themselves."""

    counts: tuple[int, ...]
    edges: tuple[float, ...] = ()
    median: float | None = None

    @property
    def photos(self) -> int:
        """How many were counted."""
        return sum(self.counts)


class Baseline(msgspec.Struct, frozen=True):
    """What is usual, by the keys of `MEASURES`."""

    photos: int
    spreads: dict[str, Spread]
    training: bool = False
    format: Literal[1] = 1

    @classmethod
    def of(cls, lines: Sequence[PhotoLine]) -> Baseline:
        """Of photos of one bundle."""
        return cls(len(lines), {measure.key: spread(measure, lines) for measure in MEASURES})

    def dump(self) -> bytes:
        """The content of `baseline.json`, without what says nothing but the mix."""
        kept = {measure.key: self.spreads[measure.key] for measure in MEASURES if not measure.mix}
        return msgspec.json.encode(Baseline(self.photos, kept, training=True)) + b"\n"

    @classmethod
    def load(cls, data: bytes) -> Baseline:
        """Raises BadBundle."""
        try:
            return msgspec.json.decode(data, type=cls)
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadBundle(f"{NAME} cannot be read: {error}") from error


def parsed(text: str) -> Iterator[PhotoLine]:
    """Of a JSON list of entries, as exports of a log have them, or of JSON objects line by line.

    What is not such a line is left out, and so is one with something else where a measure should
    be: an export has whatever its filter let through.
    """
    for entry in _entries(text):
        raw = entry.get("jsonPayload", entry) if isinstance(entry, dict) else None
        if isinstance(raw, dict) and raw.get("message") == PHOTO:
            try:
                yield msgspec.convert(raw, PhotoLine)
            except msgspec.ValidationError:
                continue


def _entries(text: str) -> Iterator[Any]:
    """One decoded at a time: a week may have a million."""
    rows: Sequence[str | msgspec.Raw]
    try:
        rows = msgspec.json.decode(text, type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        rows = text.splitlines()
    for row in rows:
        try:
            yield msgspec.json.decode(row)
        except (msgspec.DecodeError, RecursionError):  # another program's, or cut
            continue


def of_each(lines: Sequence[PhotoLine]) -> tuple[Baseline, Baseline]:
    """Of photos that apps send, and of saved ones: people keep another mix than they ask about."""
    return (
        Baseline.of([line for line in lines if line.app != SAVED]),
        Baseline.of([line for line in lines if line.app == SAVED]),
    )


def spread(
    measure: Measure, lines: Sequence[PhotoLine], edges: Sequence[float] | None = None
) -> Spread:
    """Numbers fall into bins of about as many photos, unless edges are given."""
    values = measure.values(lines)
    if measure.name == "names":
        values = [NAMES[min(max(count, 0), len(NAMES) - 1)] for count in values]
    if measure.kinds:
        return Spread(tuple(values.count(kind) for kind in measure.kinds))
    if edges is None:
        inner = np.quantile(values, np.arange(1, _BINS) / _BINS) if values else np.array([])
        edges = np.unique(inner.round(_DECIMALS)).tolist()
    bins = np.searchsorted(edges, values, side="right").astype(np.intp)
    counts = np.bincount(bins, minlength=len(edges) + 1).tolist()
    median = round(float(np.median(values)), _DECIMALS) if values else None
    return Spread(tuple(counts), tuple(edges), median)
