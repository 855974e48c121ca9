"""Features to the probability that this is a parrot, with NumPy alone.

A gate is three steps, kept as arrays so that a function needs no scikit-learn at cold start:

    project    (x - mean) / scale, then onto principal components if there are any
    score      one number, by the gate's kind (`scorers`)
    calibrate  score to probability: a logistic curve or a monotone table

`Gate.load` and `Gate.dump` are the only readers and writers of `gate.npz`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from parrot.errors import BadBundle
from parrot.model.scorers import SCORERS, ThreeWay

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from parrot.model.scorers import Scorer

    Array = npt.NDArray[np.float64]


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

    @property
    def tells_birds(self) -> bool:
        """Whether it tells other birds from no birds."""
        return isinstance(self.scorer, ThreeWay)

    def score(self, features: npt.ArrayLike) -> float:
        """Probability in 0..1 that these features (d,) are a parrot's."""
        return float(self.scores(np.asarray(features, np.float64)[None])[0])

    def scores(self, features: Array) -> Array:
        """Probabilities (n,) for features (n, d)."""
        return self.calibration(self.scorer(self.projection(features)))

    def birds(self, features: npt.ArrayLike) -> Array | None:
        """Of what is not a parrot, the share (n,) that is another bird, for features (n, d).

        None if this gate does not tell them from no birds.
        """
        if not isinstance(self.scorer, ThreeWay):
            return None
        return self.scorer.birds(self.projection(np.asarray(features, np.float64)))

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
