"""Gates of every kind are saved and loaded without loss; damaged files are refused."""

from __future__ import annotations

import io

import numpy as np
import pytest

from parrot.errors import BadBundle
from parrot.model.gate import Gate, LogisticCurve, MonotoneTable, Projection
from parrot.model.scorers import (
    LikelihoodRatio,
    Linear,
    Mahalanobis,
    Mixture,
    Neighbours,
    OneClass,
    Scorer,
    ThreeWay,
)

RNG = np.random.default_rng(3)
D, K = 6, 4
PLAIN = Projection(RNG.normal(size=D), RNG.uniform(0.5, 2, D))
REDUCED = Projection(PLAIN.mean, PLAIN.scale, RNG.normal(size=D), RNG.normal(size=(D, K)))
CURVE = LogisticCurve(0.3, -0.1)
TABLE = MonotoneTable(np.array([-50.0, 0.0, 5.0]), np.array([0.0, 0.4, 1.0]))


def mixture(dimensions: int) -> Mixture:
    factors = np.stack([np.tril(RNG.uniform(0.5, 1, (dimensions, dimensions))) for _ in range(2)])
    return Mixture(np.array([0.3, 0.7]), RNG.normal(size=(2, dimensions)), factors)


def unit(count: int, dimensions: int) -> np.ndarray:
    x = RNG.normal(size=(count, dimensions))
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))


GATES = [
    Gate(PLAIN, Linear(RNG.normal(size=D), 0.2), CURVE),
    Gate(PLAIN, ThreeWay(RNG.normal(size=(D, 3)), RNG.normal(size=3)), CURVE),
    Gate(REDUCED, OneClass(mixture(K)), TABLE),
    Gate(REDUCED, LikelihoodRatio(mixture(K), mixture(K)), CURVE),
    Gate(PLAIN, Mahalanobis(RNG.normal(size=(3, D)), RNG.normal(size=(D, D))), TABLE),
    Gate(PLAIN, Neighbours(unit(9, D), unit(12, D), 3), CURVE),
]


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.scorer.kind)
def test_every_kind_scores_the_same_after_its_file(gate: Gate) -> None:
    """The gate in production must be the one that was evaluated."""
    x = RNG.normal(size=(20, D))
    again = Gate.load(gate.dump())
    np.testing.assert_allclose(again.scores(x), gate.scores(x), atol=1e-12)
    assert again.features == D
    assert again.score(x[0]) == pytest.approx(gate.scores(x)[0])


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.scorer.kind)
def test_scores_are_probabilities_even_far_from_everything(gate: Gate) -> None:
    """A black photo or a broken model must not give NaN."""
    scores = gate.scores(np.array([np.full(D, 1e6), np.full(D, -1e6), np.zeros(D)]))
    assert ((scores >= 0) & (scores <= 1)).all()


def test_a_mixture_is_the_density_that_scipy_computes() -> None:
    """The log density is written out here; compare it with an independent one."""
    from scipy.special import logsumexp  # noqa: PLC0415
    from scipy.stats import multivariate_normal  # noqa: PLC0415

    ours = mixture(3)
    x = RNG.normal(size=(7, 3))
    logs = [
        np.log(weight) + multivariate_normal(mean, np.linalg.inv(factor @ factor.T)).logpdf(x)
        for weight, mean, factor in zip(ours.weights, ours.means, ours.factors, strict=True)
    ]
    np.testing.assert_allclose(ours(x), logsumexp(logs, axis=0))


def test_kinds_have_different_names() -> None:
    """The name in the file chooses the class."""
    kinds: list[type[Scorer]] = [type(gate.scorer) for gate in GATES]
    assert len({kind.kind for kind in kinds}) == len(kinds)


def _npz(**arrays: object) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)  # type: ignore[arg-type]
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 half a zip",
        GATES[0].dump()[:-200],
        _npz(kind=np.array("logistic")),
        _npz(kind=np.array("horoscope"), project_mean=np.zeros(2)),
        _npz(kind=np.array([{"a": 1}], dtype=object)),
    ],
)
def test_a_damaged_or_foreign_file_is_a_bad_bundle(data: bytes) -> None:
    """Half an upload, an unknown kind, a pickle inside: each is refused."""
    with pytest.raises(BadBundle, match=r"gate\.npz"):
        Gate.load(data)
