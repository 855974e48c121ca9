"""Kinds of gates, each fitted to features and compiled to what `parrot.model.gate` scores.

All take features (n, d) and the kind of each row: 0 parrot, 1 another bird, 2 no bird. All answer
a projection and a scorer, whose score is calibrated elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.training import regression
from parrot.adapters.joblib_gate import mixture_of
from parrot.model.gate import Projection
from parrot.model.scorers import (
    LikelihoodRatio,
    Linear,
    Mahalanobis,
    Neighbours,
    OneClass,
    Scorer,
    ThreeWay,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from models.arrays import Array, Index
    from parrot.records import Floats

    Fitter = Callable[[Floats, Index], tuple[Projection, Scorer]]

# Inverse regularisation, chosen by cross-validation.
_LOGISTIC_STRENGTH = 0.1
_THREE_WAY_STRENGTH = 0.01
_COMPONENTS = 64  # principal components that the densities are fitted on
_MIXTURE = 6  # Gaussians a density
_NEIGHBOURS = 10


def logistic(x: Floats, kind: Index) -> tuple[Projection, Scorer]:
    """One hyperplane between parrots and everything else, both sides weighing the same."""
    line = regression.fit(x, (kind == 0).astype(np.intp), 2, strength=_LOGISTIC_STRENGTH)
    return _as_it_is(x), Linear(
        line.weights[:, 1].astype(np.float64), float(line.biases[1] - line.biases[0])
    )


def three_way(x: Floats, kind: Index) -> tuple[Projection, Scorer]:
    """Parrots, other birds and no birds as three classes of one softmax."""
    found = regression.fit(x, kind, 3, strength=_THREE_WAY_STRENGTH)
    return _as_it_is(x), ThreeWay(found.weights.astype(np.float64), found.biases.astype(np.float64))


def one_class(x: Floats, kind: Index) -> tuple[Projection, Scorer]:
    """The first version's stages: how likely among parrots, all others ignored."""
    parrot = kind == 0
    projection = _components(x[parrot])
    return projection, OneClass(mixture_of(_density(projection(x[parrot].astype(np.float64)))))


def likelihood_ratio(x: Floats, kind: Index) -> tuple[Projection, Scorer]:
    """How much likelier among parrots than among all others."""
    parrot = kind == 0
    projection = _components(x)
    z = projection(x.astype(np.float64))
    parrots, rest = _density(z[parrot]), _density(z[~parrot])
    return projection, LikelihoodRatio(mixture_of(parrots), mixture_of(rest))


def mahalanobis(x: Floats, kind: Index) -> tuple[Projection, Scorer]:
    """How near to one of several kinds of parrots, in units of their common spread."""
    from sklearn.cluster import KMeans  # noqa: PLC0415 - 0.8 s, not for --help
    from sklearn.covariance import LedoitWolf  # noqa: PLC0415 - 0.8 s, not for --help

    projection = _components(x)
    z = projection(x[kind == 0].astype(np.float64))
    kinds = KMeans(_MIXTURE, n_init=4, random_state=0).fit(z)
    spread = LedoitWolf(assume_centered=True).fit(z - kinds.cluster_centers_[kinds.labels_])
    return projection, Mahalanobis(kinds.cluster_centers_, np.linalg.cholesky(spread.precision_))


def nearest_neighbours(x: Floats, kind: Index) -> tuple[Projection, Scorer]:
    """Nearer to known parrots than to known others. Carries all photos' features with it."""
    parrot = kind == 0
    centre = Projection(x.mean(axis=0), np.ones(x.shape[1]))
    z = centre(x.astype(np.float64))
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    return centre, Neighbours(unit[parrot], unit[~parrot], _NEIGHBOURS)


CANDIDATES: Mapping[str, Fitter] = {
    ThreeWay.kind: three_way,
    Linear.kind: logistic,
    LikelihoodRatio.kind: likelihood_ratio,
    Neighbours.kind: nearest_neighbours,
    Mahalanobis.kind: mahalanobis,
    OneClass.kind: one_class,
}


def _as_it_is(x: Floats) -> Projection:
    return Projection(np.zeros(x.shape[1]), np.ones(x.shape[1]))


def _components(x: Floats) -> Projection:
    from sklearn.decomposition import PCA  # noqa: PLC0415 - 0.8 s, not for --help

    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-6
    pca = PCA(min(_COMPONENTS, len(x) - 1), random_state=0).fit((x - mean) / scale)
    return Projection(mean, scale, pca.mean_, pca.components_.T)


def _density(z: Array) -> object:
    from sklearn.mixture import GaussianMixture  # noqa: PLC0415 - 0.8 s, not for --help

    return GaussianMixture(_MIXTURE, reg_covar=0.1, random_state=0).fit(z)
