"""ParrotClassifier in a TF Serving model folder: built once, rebuilt on change.

Backbone and head are one SavedModel; all outputs come from one forward pass. Every signature
returns `features` (batch, 1280), and `logits` and `probabilities` (batch, classes):

    serving_default  pixels  string (batch): uint8 RGB, row by row, exactly the input's size
    jpeg             jpeg    string (batch): JPEG files of any size; cut and resized in the graph
    floats           pixels  float32 (batch, height, width, 3) RGB in 0..255
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from models.network import savedmodel
from models.network.backbone import BACKBONE, Backbone, pooled_features
from models.network.focus import focus
from models.network.lazy_tf import tf
from models.network.weights import HEAD_FILE, TAIL_FILE, SpeciesHead, Tail
from parrot.adapters.bucket import FolderFiles
from parrot.errors import BadBundle
from parrot.model.bundle import verified
from parrot.model.manifest import MANIFEST, Manifest, digest
from parrot.model.served_model import Crop, InputSpec, ServedModel

NAME = "ParrotClassifier"
INPUT = InputSpec(320, 320, crop=Crop.SQUASH)  # of new bundles; older ones name their own
BUILT_FROM = "assets.extra/built-from.txt"
# Increase when the graph or its warm-up changes, so that models built by older code are rebuilt.
_REVISION = 5


def build(bundle: Path, models: Path) -> Path:
    """Write `models`/NAME/VERSION for the bundle's model unless it is up to date; its folder.

    It is written completely or not at all, with all three signatures; the one that the manifest
    asks for is what it is warmed up with. Raises BadBundle if the bundle has no species head to
    build a model with, or last blocks that cannot be used.
    """
    parts = _Parts.of(bundle)
    folder = parts.folder(models)
    if not parts.are_in(folder):
        predict, spec = parts.graph(), parts.served.input
        with savedmodel.written(tf().Module(), predict, folder, spec) as (draft, _):
            (draft / BUILT_FROM).write_text(parts.fingerprint)
    return folder


def is_built(bundle: Path, models: Path) -> bool:
    """Whether `build` has nothing to do. Raises BadBundle."""
    parts = _Parts.of(bundle)
    return parts.are_in(parts.folder(models))


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a model is built from: `head.npz`, and `backbone.npz` if the bundle has it."""

    served: ServedModel
    head: bytes
    tail: bytes | None

    @classmethod
    def of(cls, bundle: Path) -> Self:
        files = FolderFiles(bundle)
        manifest = Manifest.parse(files.read(MANIFEST))
        if len(manifest.models) != 1 or HEAD_FILE not in manifest.files:
            raise BadBundle(f"{bundle} has no {HEAD_FILE}: its models were built elsewhere")
        own = TAIL_FILE in manifest.files
        tail = verified(files, manifest, TAIL_FILE) if own else None
        return cls(manifest.models[0], verified(files, manifest, HEAD_FILE), tail)

    @property
    def fingerprint(self) -> str:
        """The same parts and code give the same text."""
        served, tail = self.served, "" if self.tail is None else f" {digest(self.tail)}"
        foci = served.focus if served.second_focus is None else [served.focus, served.second_focus]
        return f"{_REVISION} {BACKBONE} {served.input} {foci} {digest(self.head)}{tail}"

    def folder(self, models: Path) -> Path:
        return models / self.served.name / (self.served.version or "1")

    def are_in(self, folder: Path) -> bool:
        """Whether it contains what `build` would write."""
        try:
            return (folder / BUILT_FROM).read_text() == self.fingerprint
        except OSError:
            return False

    def graph(self) -> Callable[[Any], Any]:
        """Raises BadBundle where the last blocks cannot be used."""
        backbone, head = Backbone.load(), SpeciesHead.load(self.head)
        foci = (self.served.focus, self.served.second_focus)
        if self.tail is not None:
            backbone = backbone.with_tail(Tail.load(self.tail))

        def predict(pixels: Any) -> Any:
            activations = backbone.activations(pixels)
            features = pooled_features(activations)
            logits = tf().matmul(features, head.weights) + head.bias
            probabilities = tf().nn.softmax(logits / np.float32(head.temperature))
            windows = zip(foci, tf().unstack(focus(activations), axis=1), strict=True)
            outputs = {"features": features, "logits": logits, "probabilities": probabilities}
            return outputs | {name: window for name, window in windows if name is not None}

        return predict
