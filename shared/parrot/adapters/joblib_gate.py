"""The first version's four joblib files to a Gate: scaler, PCA, mixture, isotonic curve.

The only place in `parrot` that unpickles; `parrot.model.bundle` verifies the bytes first.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from parrot.errors import BadBundle
from parrot.model.heads import Gate, MonotoneTable, OneClass, Projection
from parrot.model.manifest import JOBLIB_STAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt


def unpickle(pickles: Mapping[str, bytes], scikit_learn: str) -> Gate:
    """Compile the four stages to a gate.

    `pickles` is by file name, `scikit_learn` the version that wrote them. Raises BadBundle if
    another scikit-learn is installed, or a file holds something else.
    """
    try:
        import joblib  # noqa: PLC0415 - with scikit-learn 0.8 s that other bundles do not pay
        import sklearn  # noqa: PLC0415
    except ImportError as error:
        raise BadBundle(f"a joblib gate needs the extra 'parrot[joblib]': {error}") from error
    if sklearn.__version__ != scikit_learn:
        raise BadBundle(
            f"the joblib files were written with scikit-learn {scikit_learn},"
            f" but {sklearn.__version__} is installed"
        )
    stages = {}
    for name in JOBLIB_STAGES:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", sklearn.exceptions.InconsistentVersionWarning)
                stages[name] = joblib.load(io.BytesIO(pickles[name]))
        except Exception as error:  # unpickling runs arbitrary code and can raise anything
            raise BadBundle(f"{name} cannot be unpickled: {error!r}") from error
    try:
        return _compiled(*(stages[name] for name in JOBLIB_STAGES))
    except (AttributeError, ValueError, IndexError) as error:
        raise BadBundle(f"{', '.join(JOBLIB_STAGES)} do not make a gate: {error}") from error


def _compiled(scaler: Any, pca: Any, gmm: Any, iso: Any) -> Gate:  # noqa: ANN401 - duck-typed
    components = np.asarray(pca.components_, np.float64).T
    if pca.whiten:
        components = components / np.sqrt(pca.explained_variance_)
    return Gate(
        Projection(
            mean=_or_else(scaler.mean_, 0.0, scaler.n_features_in_),
            scale=_or_else(scaler.scale_, 1.0, scaler.n_features_in_),
            centre=np.asarray(pca.mean_, np.float64),
            components=components,
        ),
        one_class(gmm),
        MonotoneTable(
            np.asarray(iso.X_thresholds_, np.float64), np.asarray(iso.y_thresholds_, np.float64)
        ),
    )


def one_class(gmm: Any) -> OneClass:  # noqa: ANN401 - duck-typed
    """A fitted scikit-learn GaussianMixture as ours."""
    return OneClass(gmm.weights_, gmm.means_, _factors(gmm))


def _or_else(
    values: npt.NDArray[np.float64] | None, default: float, count: int
) -> npt.NDArray[np.float64]:
    """A StandardScaler without mean or deviation has None there."""
    return np.full(count, default) if values is None else np.asarray(values, np.float64)


def _factors(gmm: Any) -> npt.NDArray[np.float64]:  # noqa: ANN401
    """(k, d, d) factors L with inverse covariance L @ L.T, whatever the covariance type."""
    k, d = gmm.means_.shape
    cholesky = np.asarray(gmm.precisions_cholesky_, np.float64)
    if gmm.covariance_type == "full":
        return cholesky
    if gmm.covariance_type == "tied":
        return np.broadcast_to(cholesky, (k, d, d))
    diagonal = cholesky if gmm.covariance_type == "diag" else np.repeat(cholesky[:, None], d, 1)
    return np.stack([np.diag(row) for row in diagonal])
