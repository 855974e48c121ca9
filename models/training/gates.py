"""Kinds of gates, each fitted to features and compiled to what `parrot.model.gate` scores.

All take features (n, d) and the kind of each row: 0 parrot, 1 another bird, 2 no bird. All answer
a projection and a scorer, whose score is calibrated elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.training import regression
from parrot.adapters import joblib_gate
from parrot.model.gate import OneClass, Projection, Scorer, ThreeWay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from models.arrays import Array, Index
    from parrot.records import Floats

    Fitter = Callable[[Floats, Index], tuple[Projection, Scorer]]

# Inverse regularisation, chosen by cross-validation.
_THREE_WAY_STRENGTH = 0.01
_COMPONENTS = 64  # principal components that the densities are fitted on
_MIXTURE = 6  # Gaussians a density


def three_way(x: Floats, kind: Index) -> tuple[Projection, Scorer]:
    """Parrots, other birds and no birds as three classes of one softmax."""
    found = regression.fit(x, kind, 3, strength=_THREE_WAY_STRENGTH)
    return _as_it_is(x), ThreeWay(found.weights.astype(np.float64), found.biases.astype(np.float64))


def one_class(x: Floats, kind: Index) -> tuple[Projection, Scorer]:
    """The first version's stages: how likely among parrots, all others ignored."""
    parrot = kind == 0
    projection = _components(x[parrot])
    return projection, joblib_gate.one_class(_density(projection(x[parrot].astype(np.float64))))


CANDIDATES: Mapping[str, Fitter] = {
    ThreeWay.kind: three_way,
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
