"""Fit the gate and the species head on labelled photos and write a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.head import SpeciesHead
from parrot.gate import Gate, Linear, LogisticCurve, Projection

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from models.photos import LabelledPhoto
    from parrot.records import Floats

_GATE_STRENGTH = 0.01  # inverse regularisation, on standardised features
_HEAD_STRENGTH = 10.0  # inverse regularisation, on plain features
_ITERATIONS = 2000


@dataclass(frozen=True, slots=True)
class Examples:
    """Features of photos in one or more variants: `features[v, i]` is photo i in variant v."""

    photos: Sequence[LabelledPhoto]
    features: npt.NDArray[np.float32]

    def stacked(self, chosen: npt.NDArray[np.intp]) -> Floats:
        """All variants of the chosen photos, variant by variant: (v * len(chosen), d)."""
        return self.features[:, chosen].reshape(-1, self.features.shape[2])


def fit_gate(examples: Examples, chosen: npt.NDArray[np.intp]) -> Gate:
    """Logistic regression on standardised features: parrot or not."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - 0.8 s, not for --help

    x = examples.stacked(chosen).astype(np.float64)
    y = np.tile([examples.photos[i].is_parrot for i in chosen], len(examples.features))
    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-6
    model = LogisticRegression(C=_GATE_STRENGTH, max_iter=_ITERATIONS).fit((x - mean) / scale, y)
    return Gate(
        Projection(mean, scale),
        Linear(model.coef_[0], float(model.intercept_[0])),
        LogisticCurve(1.0, 0.0),
    )


def fit_head(
    examples: Examples, chosen: npt.NDArray[np.intp], species: Sequence[str]
) -> SpeciesHead:
    """Logistic regression over the species; photos of no known species are left out."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - 0.8 s, not for --help

    known = np.array([i for i in chosen if examples.photos[i].species in species], np.intp)
    x = examples.stacked(known)
    index = [species.index(str(examples.photos[i].species)) for i in known]
    y = np.tile(index, len(examples.features))
    model = LogisticRegression(C=_HEAD_STRENGTH, max_iter=_ITERATIONS).fit(x, y)
    return SpeciesHead(
        np.asarray(model.coef_.T, np.float32), np.asarray(model.intercept_, np.float32)
    )
