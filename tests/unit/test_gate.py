"""Gates of every kind are saved and loaded without loss; damaged files are refused."""

import numpy as np
import pytest

from parrot.errors import BadBundle
from parrot.model import npz
from parrot.model.heads import Gate, LogisticCurve, MonotoneTable, OneClass, Projection, ThreeWay

RNG = np.random.default_rng(3)
D, K = 6, 4
PLAIN = Projection(RNG.normal(size=D), RNG.uniform(0.5, 2, D))
REDUCED = Projection(PLAIN.mean, PLAIN.scale, RNG.normal(size=D), RNG.normal(size=(D, K)))
CURVE = LogisticCurve(0.3, -0.1)
TABLE = MonotoneTable(np.array([-50.0, 0.0, 5.0]), np.array([0.0, 0.4, 1.0]))


def mixture(dimensions: int) -> OneClass:
    factors = np.stack([np.tril(RNG.uniform(0.5, 1, (dimensions, dimensions))) for _ in range(2)])
    return OneClass(np.array([0.3, 0.7]), RNG.normal(size=(2, dimensions)), factors)


GATES = [
    Gate(PLAIN, ThreeWay(RNG.normal(size=(D, 3)), RNG.normal(size=3)), CURVE),
    Gate(REDUCED, mixture(K), TABLE),
]


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.scorer.kind)
def test_every_kind_scores_the_same_after_its_file(gate: Gate) -> None:
    """The gate in production must be the one that was evaluated."""
    x = RNG.normal(size=(20, D))
    again = Gate.load(gate.dump())
    np.testing.assert_allclose(again.parrot(x), gate.parrot(x), atol=1e-12)
    assert again.features == D


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.scorer.kind)
def test_scores_are_probabilities_even_far_from_everything(gate: Gate) -> None:
    """A black photo or a broken model must not give NaN."""
    scores = gate.parrot(np.array([np.full(D, 1e6), np.full(D, -1e6), np.zeros(D)]))
    assert ((scores >= 0) & (scores <= 1)).all()


@pytest.mark.parametrize(
    "kind", ["logistic", "likelihood-ratio", "mahalanobis", "nearest-neighbours"]
)
def test_a_kind_that_was_given_up_says_so(kind: str) -> None:
    """Whoever deploys an old bundle must learn that its gate is to be fitted again."""
    with pytest.raises(BadBundle, match=f"{kind}.* no longer supported"):
        Gate.load(npz.dump(kind=np.array(kind)))


def test_what_is_not_a_parrot_is_another_bird_or_none() -> None:
    """The softmax's other two classes, by themselves."""
    weights = np.zeros((D, 3))
    weights[0] = [0.0, 1.0, 2.0]
    gate = Gate(Projection(np.zeros(D), np.ones(D)), ThreeWay(weights, np.zeros(3)), CURVE)
    parrot, others = gate.score(np.eye(D)[:1])
    assert others is not None
    assert parrot + others.sum(axis=1) == pytest.approx(1)
    assert others[:, 0] / others.sum(axis=1) == pytest.approx([1 / (1 + np.e)])
    assert GATES[1].score(np.zeros((1, D)))[1] is None


@pytest.mark.parametrize(
    "data",
    [
        GATES[0].dump()[:-200],
        npz.dump(kind=np.array("three-way")),
        npz.dump(kind=np.array("horoscope"), project_mean=np.zeros(2)),
    ],
)
def test_a_damaged_or_foreign_file_is_a_bad_bundle(data: bytes) -> None:
    """Half an upload, an unknown kind: each is refused."""
    with pytest.raises(BadBundle, match=r"gate\.npz"):
        Gate.load(data)
