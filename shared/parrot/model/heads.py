"""What a bundle asks of features: the gate whether this is a parrot, the naming which one.

Both are arrays, so that a function needs no scikit-learn at cold start, and the only readers and
writers of their files, `gate.npz` and `naming.npz`. A gate is three steps:

    project    (x - mean) / scale, then onto principal components if there are any
    score      one number, the higher, the more likely a parrot; by the gate's kind
    calibrate  score to probability: a logistic curve or a monotone table

There are two kinds: `ThreeWay`, in use, and the first version's `OneClass`. A scorer takes (n, d)
projected features to scores (n,) and, of what is not a parrot, the shares (n, 2 or 3) of other
birds, of no birds and perhaps of figures of birds; None if it does not tell these apart.

Beside the classes of `species.csv`, naming has one more, "another parrot", so that a parrot of no
known species need not become one of them. All figures come from one softmax: what is in the set
is always at least as likely as what is not.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar, TypeAlias, TypeVar

import numpy as np

from parrot.errors import BadBundle
from parrot.model import npz

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from parrot.records import Floats

    Array = npt.NDArray[np.float64]
    _Part = TypeVar("_Part", bound="Projection | Scorer | MonotoneTable")


@dataclass(frozen=True, slots=True)
class Projection:
    """(x - mean) / scale, then (z - centre) @ components (d, k) if there are any."""

    mean: Array
    scale: Array
    centre: Array | None = None
    components: Array | None = None

    def __call__(self, x: Array) -> Array:
        z = (x - self.mean) / self.scale
        if self.components is None or self.centre is None:
            return z
        return (z - self.centre) @ self.components


@dataclass(frozen=True, slots=True)
class OneClass:
    """How likely features are among parrots, the log density of a Gaussian mixture.

    weights (k,), means (k, d), factors (k, d, d): L with inverse covariance L @ L.T.
    """

    kind: ClassVar[str] = "one-class"
    prefix: ClassVar[str] = "parrots_"
    weights: Array
    means: Array
    factors: Array

    def __call__(self, x: Array) -> tuple[Array, None]:
        dimensions = self.means.shape[1]
        logs = np.empty((len(x), len(self.weights)))
        for k, (mean, factor) in enumerate(zip(self.means, self.factors, strict=True)):
            distance = np.square((x - mean) @ factor).sum(axis=1)
            half_log_determinant = np.log(np.abs(np.diag(factor))).sum()
            logs[:, k] = half_log_determinant - 0.5 * (dimensions * np.log(2 * np.pi) + distance)
        logs += np.log(self.weights)
        peak = logs.max(axis=1, keepdims=True)
        return np.asarray(peak[:, 0] + np.log(np.exp(logs - peak).sum(axis=1))), None


@dataclass(frozen=True, slots=True)
class ThreeWay:
    """Parrot against the softmax's other classes.

    weights (d, k) and biases (k,), in the order parrot, other bird, no bird at all; a fourth class
    is the picture or figure of a bird.
    """

    kind: ClassVar[str] = "three-way"
    prefix: ClassVar[str] = ""
    weights: Array
    biases: Array

    def __call__(self, x: Array) -> tuple[Array, Array]:
        logits = x @ self.weights + self.biases
        parrot, others = logits[:, 0], logits[:, 1:]
        rest = np.logaddexp.reduce(others, axis=1)
        return np.asarray(parrot - rest), np.asarray(np.exp(others - rest[:, None]))


@dataclass(frozen=True, slots=True)
class LogisticCurve:
    """1 / (1 + exp(-(slope * score + offset))): Platt's calibration."""

    slope: float
    offset: float

    def __call__(self, score: Array) -> Array:
        logit = np.clip(self.slope * score + self.offset, -500, 500)
        return 1.0 / (1.0 + np.exp(-logit))


@dataclass(frozen=True, slots=True)
class MonotoneTable:
    """Linear interpolation between knots, constant beyond them: isotonic regression."""

    scores: Array
    probabilities: Array

    def __call__(self, score: Array) -> Array:
        return np.interp(score, self.scores, self.probabilities)


Scorer: TypeAlias = ThreeWay | OneClass
_SCORERS: Mapping[str, type[Scorer]] = {kind.kind: kind for kind in (ThreeWay, OneClass)}
_PROJECTION, _TABLE = "project_", "table_"  # what their arrays' names begin with
_REMOVED = frozenset({"logistic", "likelihood-ratio", "mahalanobis", "nearest-neighbours"})


@dataclass(frozen=True, slots=True)
class Gate:
    """Is this a parrot at all?"""

    projection: Projection
    scorer: Scorer
    calibration: LogisticCurve | MonotoneTable

    @property
    def features(self) -> int:
        """How many features a photo must have."""
        return int(self.projection.mean.shape[0])

    @property
    def tells_birds(self) -> bool:
        """Whether it distinguishes other birds from no bird."""
        return isinstance(self.scorer, ThreeWay)

    def score(self, features: npt.ArrayLike) -> tuple[Array, Array | None]:
        """Of features (n, d): probabilities of a parrot (n,), and of all else (n, 2 or 3)."""
        score, shares = self.scorer(self.projection(np.asarray(features, np.float64)))
        parrot = self.calibration(score)
        return parrot, None if shares is None else (1 - parrot)[:, None] * shares

    def parrot(self, features: npt.ArrayLike) -> Array:
        """The probabilities (n,) of a parrot alone, for features (n, d)."""
        return self.score(features)[0]

    def dump(self) -> bytes:
        """The gate as `gate.npz`."""
        arrays = {
            **_arrays(self.projection, _PROJECTION),
            **_arrays(self.scorer, self.scorer.prefix),
        }
        if isinstance(self.calibration, LogisticCurve):
            arrays["curve"] = np.array([self.calibration.slope, self.calibration.offset])
        else:
            arrays |= _arrays(self.calibration, _TABLE)
        return npz.dump(kind=np.array(self.scorer.kind), **arrays)

    @classmethod
    def load(cls, data: bytes) -> Gate:
        """Read `gate.npz`; pickled arrays are refused. Raises BadBundle."""
        with npz.reading("gate.npz"):
            raw = npz.arrays(data)
            scorer = _scorer(str(raw.pop("kind")))
            arrays = {name: np.asarray(array, np.float64) for name, array in raw.items()}
            calibration: LogisticCurve | MonotoneTable
            if "curve" in arrays:
                calibration = LogisticCurve(*arrays["curve"].tolist())
            else:
                calibration = _part(MonotoneTable, _TABLE, arrays)
            projection = _part(Projection, _PROJECTION, arrays)
            return cls(projection, _part(scorer, scorer.prefix, arrays), calibration)


def _scorer(kind: str) -> type[Scorer]:
    if kind in _REMOVED:
        raise BadBundle(f"gate.npz: kind {kind!r} is no longer supported: fit the bundle again")
    if kind not in _SCORERS:
        raise BadBundle(f"gate.npz: unknown kind {kind!r}")
    return _SCORERS[kind]


def _arrays(part: Scorer | Projection | MonotoneTable, prefix: str) -> dict[str, Array]:
    """The arrays of a part, as they are named in the file."""
    arrays = {prefix + field.name: getattr(part, field.name) for field in fields(part)}
    return {name: array for name, array in arrays.items() if array is not None}


def _part(kind: type[_Part], prefix: str, arrays: Mapping[str, Array]) -> _Part:
    """The inverse of `_arrays`. Raises TypeError where one is missing."""
    names = {field.name for field in fields(kind) if prefix + field.name in arrays}
    return kind(**{name: arrays[prefix + name] for name in names})


@dataclass(frozen=True, slots=True)
class Softmax:
    """Calibrated multinomial logistic regression: weights (features, classes), biases (classes)."""

    weights: Floats
    biases: Floats

    def __call__(self, features: Floats) -> Floats:
        """(n, features) to probabilities (n, classes)."""
        logits = features @ self.weights + self.biases
        if not logits.shape[1]:
            return logits  # a person's own photos may be of no known groups
        exp = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(exp / exp.sum(axis=1, keepdims=True), np.float32)


@dataclass(frozen=True, slots=True)
class Naming:
    """`species` gives one probability per class and "another parrot"; `groups` one per group."""

    species: Softmax
    groups: Softmax
    group_ids: tuple[str, ...]

    def dump(self) -> bytes:
        """The heads as `naming.npz`."""
        return npz.dump(
            species_weights=self.species.weights,
            species_biases=self.species.biases,
            group_weights=self.groups.weights,
            group_biases=self.groups.biases,
            group_ids=np.array(self.group_ids),
        )

    @classmethod
    def load(cls, data: bytes) -> Naming:
        """Read `naming.npz`; pickled arrays are refused. Raises BadBundle."""
        with npz.reading("naming.npz"):
            file = npz.arrays(data)
            species, groups = (
                Softmax(
                    file[f"{part}_weights"].astype(np.float32),
                    file[f"{part}_biases"].astype(np.float32),
                )
                for part in ("species", "group")
            )
            ids = tuple(str(group) for group in file["group_ids"])
        for head, classes in ((species, len(species.biases)), (groups, len(ids))):
            if head.weights.shape != (*species.weights.shape[:1], classes):
                raise BadBundle(f"naming.npz: {head.weights.shape} weights for {classes} classes")
        return cls(species, groups, ids)
