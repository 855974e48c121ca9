"""The lower limit for any server: decoding the photo and one forward pass, nothing else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from local.model_server import savedmodel
from models.network.lazy_tf import tf
from parrot import images
from parrot.model.manifest import MANIFEST, Manifest

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.photos import Sample


class Limit:
    """The service's model and decoder in this process, on one thread."""

    def __init__(self, bundle: Path, models: Path) -> None:
        """Load the bundle's SavedModel from `models`. Raises BadBundle, ModelError."""
        savedmodel.limit_threads(inter_op=1, intra_op=1)
        (self.served,) = Manifest.parse((bundle / MANIFEST).read_bytes()).models
        folder = models / self.served.name / (self.served.version or "1")
        self._forward = tf().saved_model.load(str(folder)).signatures[self.served.signature]

    def seconds(self, sample: Sample) -> tuple[float, float]:
        """Decoding and forward pass of one photo."""
        photo = images.read(sample.data)
        started = time.perf_counter()
        payload = images.pixels(photo, self.served.input).pixels.tobytes()
        decoded = time.perf_counter()
        outputs = self._forward(tf().constant([payload]))
        np.asarray(outputs["features"])  # waits for it
        return decoded - started, time.perf_counter() - decoded
