"""TensorFlow's way to resample a photo, and the range of values that a model expects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from parrot.model.served_model import Scaling

if TYPE_CHECKING:
    from parrot.records import Bytes, Floats

# Keras' "caffe" preprocessing: the ImageNet mean in BGR order.
_CAFFE_MEAN = np.array([103.939, 116.779, 123.68], np.float32)


def tf_bilinear(array: Bytes, height: int, width: int) -> Floats:
    """tf.image.resize(array, (height, width)), bit for bit: half-pixel centres, no antialias.

    The order of the float32 operations is that of TensorFlow's CPU kernel: along x, then y.
    """
    top, bottom, down = _tf_weights(array.shape[0], height)
    left, right, across = _tf_weights(array.shape[1], width)
    across = across[None, :, None]

    def rows(index: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Floats:
        picked = array[index].astype(np.float32)
        start = picked[:, left]
        return start + (picked[:, right] - start) * across

    upper = rows(top)
    return upper + (rows(bottom) - upper) * down[:, None, None]


def scaled(array: Bytes | Floats, scaling: Scaling) -> Floats:
    """Floats as the model was trained on, from pixels in 0..255."""
    floats = array.astype(np.float32)
    if scaling is Scaling.UNIT:
        return floats / np.float32(255)
    if scaling is Scaling.SYMMETRIC:
        return floats / np.float32(127.5) - np.float32(1)
    if scaling is Scaling.CAFFE:
        return floats[..., ::-1] - _CAFFE_MEAN
    return floats


def _tf_weights(
    source: int, target: int
) -> tuple[
    np.ndarray[tuple[int], np.dtype[np.intp]], np.ndarray[tuple[int], np.dtype[np.intp]], Floats
]:
    scale = np.float32(source) / np.float32(target)
    where = (np.arange(target, dtype=np.float32) + np.float32(0.5)) * scale - np.float32(0.5)
    floor = np.floor(where)
    lower = np.maximum(floor, 0).astype(np.intp)
    upper = np.minimum(np.ceil(where), source - 1).astype(np.intp)
    return lower, upper, (where - floor).astype(np.float32)
