"""Small SavedModels with random weights or none, and the input they take."""

from pathlib import Path
from typing import Any

import numpy as np

from models.network.lazy_tf import tf
from parrot.model.served_model import Crop, Encoding, InputSpec, Resampling

WIDTH, HEIGHT, FEATURES = 24, 16, 7
SQUASHED = InputSpec(
    WIDTH, HEIGHT, crop=Crop.SQUASH, resampling=Resampling.TF_BILINEAR, encoding=Encoding.FLOATS
)


def save(folder: Path, shape: tuple[int | None, ...], **more: Any) -> Path:
    """A SavedModel with random weights; its output `seen` is the image exactly as given."""
    rng = np.random.default_rng(3)
    module = tf().Module()
    module.kernel = tf().Variable(rng.normal(size=(8, 8, 3, FEATURES)).astype(np.float32) * 0.01)

    def forward(image: Any) -> Any:
        pooled_image = tf().nn.conv2d(tf().cast(image, tf().float32), module.kernel, 8, "VALID")
        return {"features": tf().reduce_mean(pooled_image, (1, 2)), "seen": image}

    spec = tf().TensorSpec(shape, more.get("dtype", tf().float32), "image")
    serve = tf().function(forward, input_signature=[spec])
    names = more.get("names", ["serving_default"])
    tf().saved_model.save(module, str(folder), signatures=dict.fromkeys(names, serve))
    return folder


def save_function(folder: Path, function: Any, *shapes: tuple[int | None, ...]) -> None:
    """A SavedModel without weights."""
    tensors = [tf().TensorSpec(shape, tf().float32) for shape in shapes]
    serve = tf().function(function, input_signature=tensors)
    tf().saved_model.save(tf().Module(), str(folder), signatures={"serve": serve})
