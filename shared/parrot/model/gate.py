"""Features to the probability that this is a parrot, with NumPy alone.

A gate is three steps, kept as arrays so that a function needs no scikit-learn at cold start:

    project    (x - mean) / scale, then onto principal components if there are any
    score      one number, by the gate's kind (the subclasses of `Scorer`)
    calibrate  score to probability: a logistic curve or a monotone table

`Gate.load` and `Gate.dump` are the only readers and writers of `gate.npz`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

import numpy as np

from parrot.errors import BadBundle

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


class Scorer(Protocol):
    """Projected features (n, d) to scores (n,): the higher, the more likely a parrot."""

    kind: ClassVar[str]

    def __call__(self, x: Array) -> Array:
        """Score (n, d) features."""

    def arrays(self) -> Mapping[str, Array]:
        """What `gate.npz` keeps."""

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Self:
        """The inverse of `arrays`."""


@dataclass(frozen=True, slots=True)
class Linear:
    """w.x + b: logistic regression before its curve."""

    kind: ClassVar[str] = "logistic"
    weights: Array
    bias: float

    def __call__(self, x: Array) -> Array:
        return np.asarray(x @ self.weights + self.bias)

    def arrays(self) -> Mapping[str, Array]:
        return {"weights": self.weights, "bias": np.array(self.bias)}

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Self:
        return cls(arrays["weights"], float(arrays["bias"]))


@dataclass(frozen=True, slots=True)
class Mixture:
    """Log density of a Gaussian mixture; factors L with inverse covariance L @ L.T.

    weights (k,), means (k, d), factors (k, d, d).
    """

    weights: Array
    means: Array
    factors: Array

    def __call__(self, x: Array) -> Array:
        dimensions = self.means.shape[1]
        logs = np.empty((len(x), len(self.weights)))
        for k, (mean, factor) in enumerate(zip(self.means, self.factors, strict=True)):
            distance = np.square((x - mean) @ factor).sum(axis=1)
            half_log_determinant = np.log(np.abs(np.diag(factor))).sum()
            logs[:, k] = half_log_determinant - 0.5 * (dimensions * np.log(2 * np.pi) + distance)
        logs += np.log(self.weights)
        peak = logs.max(axis=1, keepdims=True)
        return np.asarray(peak[:, 0] + np.log(np.exp(logs - peak).sum(axis=1)))

    def arrays(self, prefix: str) -> Mapping[str, Array]:
        return {
            f"{prefix}_weights": self.weights,
            f"{prefix}_means": self.means,
            f"{prefix}_factors": self.factors,
        }

    @classmethod
    def of(cls, arrays: Mapping[str, Array], prefix: str) -> Self:
        return cls(*(arrays[f"{prefix}_{name}"] for name in ("weights", "means", "factors")))


@dataclass(frozen=True, slots=True)
class OneClass:
    """How likely the features are among parrots: the first version's gate."""

    kind: ClassVar[str] = "one-class"
    parrots: Mixture

    def __call__(self, x: Array) -> Array:
        return self.parrots(x)

    def arrays(self) -> Mapping[str, Array]:
        return self.parrots.arrays("parrots")

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Self:
        return cls(Mixture.of(arrays, "parrots"))


@dataclass(frozen=True, slots=True)
class LikelihoodRatio:
    """How much likelier the features are among parrots than among everything else."""

    kind: ClassVar[str] = "likelihood-ratio"
    parrots: Mixture
    rest: Mixture

    def __call__(self, x: Array) -> Array:
        return self.parrots(x) - self.rest(x)

    def arrays(self) -> Mapping[str, Array]:
        return {**self.parrots.arrays("parrots"), **self.rest.arrays("rest")}

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Self:
        return cls(Mixture.of(arrays, "parrots"), Mixture.of(arrays, "rest"))


@dataclass(frozen=True, slots=True)
class Mahalanobis:
    """Minus the squared distance to the nearest class mean under one shared covariance.

    means (k, d), factor (d, d) with inverse covariance factor @ factor.T.
    """

    kind: ClassVar[str] = "mahalanobis"
    means: Array
    factor: Array

    def __call__(self, x: Array) -> Array:
        white, centres = x @ self.factor, self.means @ self.factor
        distances = np.square(white[:, None, :] - centres[None]).sum(axis=2)
        return np.asarray(-distances.min(axis=1))

    def arrays(self) -> Mapping[str, Array]:
        return {"means": self.means, "factor": self.factor}

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Self:
        return cls(arrays["means"], arrays["factor"])


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Mean cosine similarity to the k nearest parrots, minus that to the k nearest others.

    parrots (n, d) and others (m, d) are unit vectors.
    """

    kind: ClassVar[str] = "nearest-neighbours"
    parrots: Array
    others: Array
    k: int

    def __call__(self, x: Array) -> Array:
        unit = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)

        def nearest(examples: Array) -> Array:
            return np.asarray(np.sort(unit @ examples.T, axis=1)[:, -self.k :].mean(axis=1))

        return nearest(self.parrots) - nearest(self.others)

    def arrays(self) -> Mapping[str, Array]:
        return {"parrots": self.parrots, "others": self.others, "k": np.array(self.k)}

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Self:
        return cls(arrays["parrots"], arrays["others"], int(arrays["k"]))


SCORERS: tuple[type[Scorer], ...] = (Linear, OneClass, LikelihoodRatio, Mahalanobis, Neighbours)


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

    def score(self, features: npt.ArrayLike) -> float:
        """Probability in 0..1 that these features (d,) are a parrot's."""
        return float(self.scores(np.asarray(features, np.float64)[None])[0])

    def scores(self, features: Array) -> Array:
        """Probabilities (n,) for features (n, d)."""
        return self.calibration(self.scorer(self.projection(features)))

    def dump(self) -> bytes:
        """The gate as `gate.npz`."""
        arrays: dict[str, Array] = {
            "project_mean": self.projection.mean,
            "project_scale": self.projection.scale,
            **self.scorer.arrays(),
        }
        if self.projection.components is not None and self.projection.centre is not None:
            arrays["project_centre"] = self.projection.centre
            arrays["project_components"] = self.projection.components
        if isinstance(self.calibration, LogisticCurve):
            arrays["curve"] = np.array([self.calibration.slope, self.calibration.offset])
        else:
            arrays["table_scores"] = self.calibration.scores
            arrays["table_probabilities"] = self.calibration.probabilities
        out = io.BytesIO()
        np.savez_compressed(out, allow_pickle=False, kind=np.array(self.scorer.kind), **arrays)
        return out.getvalue()

    @classmethod
    def load(cls, data: bytes) -> Gate:
        """Read `gate.npz`; pickled arrays are refused. Raises BadBundle."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                raw = dict(file)
            kind = str(raw.pop("kind"))
            arrays = {name: np.asarray(array, np.float64) for name, array in raw.items()}
            scorer = _scorer(kind)
            projection = Projection(
                arrays["project_mean"],
                arrays["project_scale"],
                arrays.get("project_centre"),
                arrays.get("project_components"),
            )
            return cls(projection, scorer.of(arrays), _calibration(arrays))
        except BadBundle:
            raise
        except Exception as error:  # zip, header, key and shape errors all mean a damaged file
            raise BadBundle(f"gate.npz cannot be read: {error!r}") from error


def _scorer(kind: str) -> type[Scorer]:
    for scorer in SCORERS:
        if scorer.kind == kind:
            return scorer
    raise BadBundle(f"gate.npz: unknown kind {kind!r}")


def _calibration(arrays: Mapping[str, Array]) -> LogisticCurve | MonotoneTable:
    if "curve" in arrays:
        slope, offset = arrays["curve"]
        return LogisticCurve(float(slope), float(offset))
    return MonotoneTable(arrays["table_scores"], arrays["table_probabilities"])
