"""Where a model looks closer: at the part of the map that looks most like a parrot."""

import numpy as np
import pytest

from models.network import focus


@pytest.fixture(scope="module")
def parrot() -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Activations that the focus scores high: those of positive weight."""
    return np.maximum(focus.weights(), 0)


@pytest.mark.parametrize(("top", "left"), [(0, 0), (2, 6), (7, 3), (7, 7)])
def test_the_focus_is_the_window_with_the_parrot(
    parrot: np.ndarray[tuple[int], np.dtype[np.float32]], top: int, left: int
) -> None:
    """The second look would otherwise be at the background."""
    background = np.maximum(-focus.weights(), 0)
    activations = np.broadcast_to(background, (1, 10, 10, len(background))).copy()
    activations[0, top : top + 3, left : left + 3] = parrot
    ((found, _),) = focus.focus(activations).numpy()
    expected = (left / 10, top / 10, (left + 3) / 10, (top + 3) / 10)
    assert found == pytest.approx(expected)


def test_the_second_window_is_beside_the_first(
    parrot: np.ndarray[tuple[int], np.dtype[np.float32]],
) -> None:
    """Where the first one shows no parrot, another that is nearly the same would show none."""
    activations = np.broadcast_to(np.maximum(-focus.weights(), 0), (1, 10, 10, len(parrot))).copy()
    activations[0, 1:4, 1:4] = parrot
    activations[0, 6:9, 5:8] = 0.9 * parrot + 0.1 * activations[0, 0, 0]
    (found,) = focus.focus(activations).numpy()
    assert found == pytest.approx(np.array([[0.1, 0.1, 0.4, 0.4], [0.5, 0.6, 0.8, 0.9]]))


@pytest.mark.parametrize("cells", [1, 2, 4, 8])
def test_a_map_of_any_size_has_a_focus(cells: int) -> None:
    """Backbones with smaller inputs have smaller maps."""
    shape = (2, cells, cells, len(focus.weights()))
    activations = np.random.default_rng(1).random(shape, np.float32)
    for left, top, right, bottom in focus.focus(activations).numpy().reshape(-1, 4):
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1
