"""Where a model looks closer: at the part of the map that looks most like a parrot."""

from __future__ import annotations

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
    (found,) = focus.focus(activations).numpy()
    expected = (left / 10, top / 10, (left + 3) / 10, (top + 3) / 10)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("cells", [1, 2, 4, 8])
def test_a_map_of_any_size_has_a_focus(cells: int) -> None:
    """Backbones with smaller inputs have smaller maps."""
    shape = (2, cells, cells, len(focus.weights()))
    activations = np.random.default_rng(1).random(shape, np.float32)
    for left, top, right, bottom in focus.focus(activations).numpy():
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1
