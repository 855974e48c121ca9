"""Kinds of gates, each fitted to features and compiled to what `parrot.model.gate` scores.

Each takes features (n, d) and whether each photo shows a parrot, and returns a projection and a
scorer. The score is calibrated in `fitting`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from parrot.adapters.joblib_gate import mixture_of
from parrot.model.gate import Projection
from parrot.model.scorers import (
    LikelihoodRatio,
    Linear,
    Mahalanobis,
    Neighbours,
    OneClass,
    Scorer,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from models.arrays import Array, Flags

    Fitter = Callable[[Array, Flags], tuple[Projection, Scorer]]

_STRENGTH = 0.1  # inverse regularisation of the logistic regression
_ITERATIONS = 300
_COMPONENTS = 64  # principal components that the densities are fitted on
_MIXTURE = 6  # Gaussians per density
_NEIGHBOURS = 10


def logistic(x: Array, parrot: Flags) -> tuple[Projection, Scorer]:
    """One hyperplane between parrots and everything else; both sides have the same weight."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - 0.8 s, not for --help

    model = LogisticRegression(C=_STRENGTH, class_weight="balanced", max_iter=_ITERATIONS)
    model.fit(x, parrot)
    plain = Projection(np.zeros(x.shape[1]), np.ones(x.shape[1]))
    return plain, Linear(model.coef_[0], float(model.intercept_[0]))


def one_class(x: Array, parrot: Flags) -> tuple[Projection, Scorer]:
    """As in the first version: how likely among parrots, fitted on parrots alone."""
    projection = _components(x[parrot])
    return projection, OneClass(mixture_of(_density(projection(x[parrot]))))


def likelihood_ratio(x: Array, parrot: Flags) -> tuple[Projection, Scorer]:
    """How much likelier among parrots than among everything else."""
    projection = _components(x)
    z = projection(x)
    parrots, rest = _density(z[parrot]), _density(z[~parrot])
    return projection, LikelihoodRatio(mixture_of(parrots), mixture_of(rest))


def mahalanobis(x: Array, parrot: Flags) -> tuple[Projection, Scorer]:
    """How near to one of several clusters of parrots, in units of their common spread."""
    from sklearn.cluster import KMeans  # noqa: PLC0415 - 0.8 s, not for --help
    from sklearn.covariance import LedoitWolf  # noqa: PLC0415 - 0.8 s, not for --help

    projection = _components(x)
    z = projection(x[parrot])
    kinds = KMeans(_MIXTURE, n_init=4, random_state=0).fit(z)
    spread = LedoitWolf(assume_centered=True).fit(z - kinds.cluster_centers_[kinds.labels_])
    return projection, Mahalanobis(kinds.cluster_centers_, np.linalg.cholesky(spread.precision_))


def nearest_neighbours(x: Array, parrot: Flags) -> tuple[Projection, Scorer]:
    """Nearer to known parrots than to known others. Contains the features of all photos."""
    centre = Projection(x.mean(axis=0), np.ones(x.shape[1]))
    z = centre(x)
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    return centre, Neighbours(unit[parrot], unit[~parrot], _NEIGHBOURS)


CANDIDATES: Mapping[str, Fitter] = {
    Linear.kind: logistic,
    LikelihoodRatio.kind: likelihood_ratio,
    Neighbours.kind: nearest_neighbours,
    Mahalanobis.kind: mahalanobis,
    OneClass.kind: one_class,
}


def _components(x: Array) -> Projection:
    from sklearn.decomposition import PCA  # noqa: PLC0415 - 0.8 s, not for --help

    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-6
    pca = PCA(min(_COMPONENTS, len(x) - 1), random_state=0).fit((x - mean) / scale)
    return Projection(mean, scale, pca.mean_, pca.components_.T)


def _density(z: Array) -> object:
    from sklearn.mixture import GaussianMixture  # noqa: PLC0415 - 0.8 s, not for --help

    return GaussianMixture(_MIXTURE, reg_covar=0.1, random_state=0).fit(z)
