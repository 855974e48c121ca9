"""Where a photo lies among others: the projection and its file."""

import numpy as np
import numpy.typing as npt
import pytest

from parrot.errors import BadBundle
from parrot.model import npz
from parrot.model.embedding import DIMENSIONS, Embedding

RNG = np.random.default_rng(7)


def embedding(features: int = 80, kinds: int = 3) -> Embedding:
    def halves(*shape: int) -> npt.NDArray[np.float16]:
        return RNG.normal(size=shape).astype(np.float16)

    axes, _ = np.linalg.qr(halves(features, DIMENSIONS).astype(np.float32))
    centroids = halves(kinds, DIMENSIONS).astype(np.float32)
    centroids /= np.linalg.norm(centroids, axis=1, keepdims=True)
    return Embedding.of(halves(features), axes.astype(np.float16), centroids.astype(np.float16))


def test_vectors_are_the_same_after_their_file() -> None:
    """What is stored beside photos today must be comparable with what a restart computes."""
    fitted, x = embedding(), RNG.normal(size=(9, 80)).astype(np.float32)
    again = Embedding.load(fitted.dump())
    np.testing.assert_array_equal(again.vectors(x), fitted.vectors(x))
    assert again.space == fitted.space
    assert embedding().space != fitted.space, "another projection is another space"


def test_a_photo_lies_at_its_kind_and_far_from_what_nobody_saw() -> None:
    """Distance is of directions, and vectors have length one, so that a dot product compares."""
    fitted = embedding(kinds=1)
    here = fitted.mean + fitted.components @ fitted.centroids[0]
    away = fitted.mean - fitted.components @ fitted.centroids[0]
    assert fitted.embedded(here).distance == pytest.approx(0, abs=2e-3)
    assert fitted.embedded(away).distance == pytest.approx(2, abs=2e-3)
    assert np.linalg.norm(fitted.embedded(here).vector) == pytest.approx(1, abs=1e-5)
    middle = fitted.embedded(fitted.mean)
    assert np.isfinite([*middle.vector, middle.distance]).all(), "a photo without any direction"


def broken(**arrays: npt.NDArray[np.float64]) -> bytes:
    """The file with some arrays replaced."""
    whole = embedding()
    good = {name: getattr(whole, name) for name in ("mean", "components", "centroids")}
    return npz.dump(**{name: array.astype(np.float16) for name, array in (good | arrays).items()})


@pytest.mark.parametrize(
    "data",
    [
        embedding().dump()[:-40],
        broken(mean=np.zeros(79)),
        broken(mean=np.ones(())),
        broken(centroids=np.zeros((0, 64))),
        broken(centroids=np.full((3, 64), np.inf)),
        broken(components=np.zeros((80, 300)), centroids=np.zeros((3, 300))),
    ],
    ids=["short", "shapes", "number", "no-kinds", "infinite", "too-many"],
)
def test_a_damaged_file_is_refused(data: bytes) -> None:
    """A function must say BadBundle, not store nonsense beside every photo."""
    with pytest.raises(BadBundle, match=r"embedding\.npz"):
        Embedding.load(data)
