"""The lower limit for any server: decoding the photo and one forward pass, nothing else.

For a photo that leaves doubt, the same with the second look: the bundle's parts of it decoded, and
one more pass for all of them.

    python -m benchmarks.limit

makes one core's worth of it a program: it prints "ready", and for each line with a number of
seconds, a number of looks and a photo's path how many times a second it got through that photo.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from local import stack
from models.network.lazy_tf import tf
from parrot.model.manifest import MANIFEST, Manifest
from parrot.photo import images

if TYPE_CHECKING:
    from parrot.records import Photo


class Limit:
    """The service's model and decoder in this process, on one thread."""

    def __init__(self, bundle: Path, models: Path) -> None:
        """Load the bundle's SavedModel from `models`. Raises BadBundle, ModelError."""
        tf().config.threading.set_inter_op_parallelism_threads(1)
        tf().config.threading.set_intra_op_parallelism_threads(1)
        manifest = Manifest.parse((bundle / MANIFEST).read_bytes())
        (self.served,) = manifest.models
        self._second_look = manifest.second_look
        folder = models / self.served.name / (self.served.version or "1")
        # The functions that TensorFlow loads live only as long as the object that they came from.
        self._model = tf().saved_model.load(str(folder))
        self._signature = self._model.signatures[self.served.signature]

    def payload(self, photo: Photo) -> bytes:
        """The photo as the model takes it."""
        return images.pixels(photo, self.served.input).pixels.tobytes()

    def forward(self, payload: bytes) -> Any:  # noqa: ANN401 - TensorFlow has no types
        """The class probabilities, when they are there."""
        return self._outputs([payload])["probabilities"]

    def seconds(self, data: bytes, *, looks: int = 1) -> tuple[float, float]:
        """Decoding and forward passes of one photo, looked at once or twice."""
        photo = images.read(data)
        started = time.perf_counter()
        raster = images.pixels(photo, self.served.input)
        decoded = time.perf_counter()
        outputs = self._outputs([raster.pixels.tobytes()])
        passed = time.perf_counter()
        decoding, forward = decoded - started, passed - decoded
        if looks == 1 or self._second_look is None:
            return decoding, forward
        boxes = self._second_look.boxes(outputs["focus"][0], raster.width, raster.height)
        parts = images.parts(photo, self.served.input, boxes)
        again = time.perf_counter()
        self._outputs([part.pixels.tobytes() for part in parts])
        return decoding + again - passed, forward + time.perf_counter() - again

    def _outputs(self, payloads: list[bytes]) -> dict[str, Any]:
        outputs = self._signature(tf().constant(payloads))
        return {name: np.asarray(value) for name, value in outputs.items()}


def _main() -> None:
    limit = Limit(stack.DEFAULT_BUNDLE, stack.MODELS)
    print("ready", flush=True)
    for line in sys.stdin:
        seconds, looks, path = line.strip().split(" ", 2)
        data = Path(path).read_bytes()
        limit.seconds(data, looks=int(looks))
        started, photos = time.monotonic(), 0
        while time.monotonic() < started + float(seconds):
            limit.seconds(data, looks=int(looks))
            photos += 1
        print(photos / (time.monotonic() - started), flush=True)


if __name__ == "__main__":
    _main()
