"""The lower limit for any server: decoding the photo and one forward pass, nothing else.

    python -m benchmarks.limit

makes one core's worth of it a program: it prints "ready", and for each line with a number of
seconds and a photo's path how many times it got through that photo in that time.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from local import stack
from local.model_server import savedmodel
from models.network.lazy_tf import tf
from parrot.model.manifest import MANIFEST, Manifest
from parrot.photo import images

if TYPE_CHECKING:
    from parrot.records import Photo


class Limit:
    """The service's model and decoder in this process, on one thread."""

    def __init__(self, bundle: Path, models: Path) -> None:
        """Load the bundle's SavedModel from `models`. Raises BadBundle, ModelError."""
        savedmodel.limit_threads(inter_op=1, intra_op=1)
        (self.served,) = Manifest.parse((bundle / MANIFEST).read_bytes()).models
        folder = models / self.served.name / (self.served.version or "1")
        # The functions that TensorFlow loads live only as long as the object that they came from.
        self._model = tf().saved_model.load(str(folder))
        self._signature = self._model.signatures[self.served.signature]

    def payload(self, photo: Photo) -> bytes:
        """The photo as the model takes it."""
        return images.pixels(photo, self.served.input).pixels.tobytes()

    def forward(self, payload: bytes) -> Any:  # noqa: ANN401 - TensorFlow has no types
        """The class probabilities, when they are there."""
        outputs = self._signature(tf().constant([payload]))
        return np.asarray(outputs["probabilities"])

    def seconds(self, data: bytes) -> tuple[float, float]:
        """Decoding and forward pass of one photo."""
        photo = images.read(data)
        started = time.perf_counter()
        payload = self.payload(photo)
        decoded = time.perf_counter()
        self.forward(payload)
        return decoded - started, time.perf_counter() - decoded


def _main() -> None:
    limit = Limit(stack.DEFAULT_BUNDLE, stack.MODELS)
    print("ready", flush=True)
    for line in sys.stdin:
        seconds, _, path = line.strip().partition(" ")
        data = Path(path).read_bytes()
        limit.seconds(data)
        until, photos = time.monotonic() + float(seconds), 0
        while time.monotonic() < until:
            limit.seconds(data)
            photos += 1
        print(photos, flush=True)


if __name__ == "__main__":
    _main()
