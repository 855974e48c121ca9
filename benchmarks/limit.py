"""The lower limit for any server: decoding the photo and one forward pass, nothing else.

For a photo that leaves doubt, the same with the second look: the bundle's parts of it decoded, and
one more pass for all of them.
"""

import signal
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from typing import Any

import numpy as np

from benchmarks.photos import PhotoFile
from models.folders import DEFAULT_BUNDLE, MODEL_FOLDER
from models.network.lazy_tf import tf
from parrot.model.manifest import MANIFEST, Manifest
from parrot.photo import images


class Limit:
    """The service's model and decoder in this process, on one thread."""

    def __init__(self) -> None:
        """Load the default bundle's SavedModel. Raises BadBundle, OSError."""
        tf().config.threading.set_inter_op_parallelism_threads(1)
        tf().config.threading.set_intra_op_parallelism_threads(1)
        manifest = Manifest.parse((DEFAULT_BUNDLE / MANIFEST).read_bytes())
        (served,) = manifest.models
        self.input, self._second_look = served.input, manifest.rules.second_look
        # The functions that TensorFlow loads live only as long as the object that they came from.
        folder = MODEL_FOLDER / served.name / (served.version or "1")
        self._model = tf().saved_model.load(str(folder))
        self._signature = self._model.signatures[served.signature]

    def forward(self, *payloads: bytes) -> dict[str, Any]:
        """The model's outputs by name, as NumPy arrays."""
        outputs = self._signature(tf().constant(list(payloads)))
        return {name: np.asarray(value) for name, value in outputs.items()}

    def seconds(self, sample: PhotoFile) -> float:
        """Of decoding and forward passes of one photo, looked at once or twice."""
        photo = images.read(sample.data)
        started = time.perf_counter()
        raster = images.pixels(photo, self.input)
        outputs = self.forward(raster.pixels.tobytes())
        if sample.looks > 1 and self._second_look is not None:
            again, foci = self._second_look, [outputs["focus"][0].tolist()]
            boxes = again.boxes(again.views, foci, raster.width, raster.height)
            parts = images.parts(photo, self.input, boxes)
            self.forward(*(part.pixels.tobytes() for part in parts))
        return time.perf_counter() - started


def process() -> ProcessPoolExecutor:
    """One more process, for what needs a TensorFlow of its own: that does not survive a fork."""
    no_interrupts = (signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is ours; it ends when it is closed
    return ProcessPoolExecutor(
        1, get_context("spawn"), initializer=signal.signal, initargs=no_interrupts
    )


def per_second(cores: Sequence[ProcessPoolExecutor], sample: PhotoFile, seconds: float) -> float:
    """Photos per second of all these processes together, measured for so long."""
    rates = [core.submit(_per_second, sample, seconds) for core in cores]
    return sum(rate.result() for rate in rates)


def _per_second(sample: PhotoFile, seconds: float) -> float:
    """Of one photo or more."""
    limit = _loaded()
    limit.seconds(sample)
    started, photos = time.monotonic(), 0
    while not photos or time.monotonic() < started + seconds:
        limit.seconds(sample)
        photos += 1
    return photos / (time.monotonic() - started)


_loaded = cache(Limit)
