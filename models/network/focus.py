"""Where a parrot most likely is in a picture, read from the feature map of the backbone.

Every square window of the map is scored as a whole picture would be: its pooled, normalised
features times one weight vector, `focus.npy` (1280 float32: the logistic gate of the bundle
2026-11-23, fitted on the photos that its card names). One vector serves every bundle, so that a
photo's closer look stays the same, and cached, from one fit to the next.
"""

from pathlib import Path
from typing import Any

import numpy as np

from models.arrays import Floats
from models.network.backbone import scaled_roots
from models.network.lazy_tf import tf

SIDES = (3, 4, 5, 7)  # of the windows, in cells of the map
_OVERLAPPING = np.float32(1e4)  # times a share: more than scores differ
_WEIGHTS = Path(__file__).with_name("focus.npy")


def weights() -> Floats:
    """The vector that scores a window's features."""
    return np.asarray(np.load(_WEIGHTS, allow_pickle=False), np.float32)


def focus(activations: Any) -> Any:
    """(batch, 2, 4) left, top, right, bottom, in fractions of the map, of the best two windows.

    `activations` is the backbone's map (batch, cells, cells, features). A map that is smaller than
    a window has fewer kinds of windows, at least the whole of it. The second window is the best one
    beside the first: where all overlap it, one of those that share least of their area with it.
    """
    cells = int(activations.shape[1])
    vector = weights()
    scores, boxes = [], []
    for side in [side for side in SIDES if side <= cells] or [cells]:
        pooled = tf().nn.avg_pool2d(activations, side, 1, "VALID")
        score = tf().tensordot(scaled_roots(pooled), vector, 1)
        scores.append(tf().reshape(score, (-1, (cells - side + 1) ** 2)))
        boxes += [
            (left / cells, top / cells, (left + side) / cells, (top + side) / cells)
            for top in range(cells - side + 1)
            for left in range(cells - side + 1)
        ]
    windows, every = np.array(boxes, np.float32), tf().concat(scores, axis=1)
    best = tf().argmax(every, axis=1)
    apart = every - tf().gather(_OVERLAPPING * _shared(windows), best)
    return tf().gather(windows, tf().stack([best, tf().argmax(apart, axis=1)], axis=1))


def _shared(windows: Floats) -> Floats:
    """(n, n): how much of each window (columns) lies in each other (rows), 0..1."""
    first, last = windows[:, :2], windows[:, 2:]
    low, high = np.maximum(first[:, None], first), np.minimum(last[:, None], last)
    inner = np.maximum(high - low, 0).prod(axis=-1)
    return np.asarray(inner / (last - first).prod(axis=-1), np.float32).round(3)
