"""The kinds of gate: each turns projected features into one score, with NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

import numpy as np

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


@dataclass(frozen=True, slots=True)
class ThreeWay:
    """Parrot against the softmax's other two classes, another bird and no bird at all.

    weights (d, 3) and biases (3,), in the order parrot, other bird, no bird.
    """

    kind: ClassVar[str] = "three-way"
    weights: Array
    biases: Array

    def __call__(self, x: Array) -> Array:
        parrot, bird, nothing = self.logits(x).T
        return np.asarray(parrot - np.logaddexp(bird, nothing))

    def logits(self, x: Array) -> Array:
        """(n, d) to (n, 3)."""
        return np.asarray(x @ self.weights + self.biases)

    def birds(self, x: Array) -> Array:
        """(n, d) to (n,): of what is not a parrot, the share that is another bird."""
        _, bird, nothing = self.logits(x).T
        return np.asarray(np.exp(bird - np.logaddexp(bird, nothing)))

    def arrays(self) -> Mapping[str, Array]:
        return {"weights": self.weights, "biases": self.biases}

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Self:
        return cls(arrays["weights"], arrays["biases"])


SCORERS: tuple[type[Scorer], ...] = (
    Linear,
    ThreeWay,
    OneClass,
    LikelihoodRatio,
    Mahalanobis,
    Neighbours,
)
