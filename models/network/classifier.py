"""ParrotClassifier: backbone and head in one SavedModel, all outputs in one forward pass.

Every signature returns `features` (batch, 1280), and `logits` and `probabilities` (batch, classes):

    serving_default  pixels  string (batch): uint8 RGB, row by row, exactly the input's size
    jpeg             jpeg    string (batch): JPEG files of any size; cut and resized in the graph
    floats           pixels  float32 (batch, height, width, 3) RGB in 0..255
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.network import photo_graph, savedmodel
from models.network.backbone import Backbone, pooled_features
from models.network.focus import focus
from models.network.head import SpeciesHead
from models.network.lazy_tf import tf
from models.network.tail import Tail
from parrot.model.manifest import digest
from parrot.model.served_model import Crop, InputSpec

if TYPE_CHECKING:
    from pathlib import Path

    from models.network.backbone import BackboneSpec
    from parrot.model.served_model import ServedModel

NAME = "ParrotClassifier"
INPUT = InputSpec(320, 320, crop=Crop.SQUASH)  # of new bundles; older ones name their own
BUILT_FROM = "assets.extra/built-from.txt"
# Increase when the graph or its warm-up changes, so that models built by older code are rebuilt.
_REVISION = 5


@dataclass(frozen=True, slots=True)
class Weights:
    """What a bundle adds to the published backbone: `head.npz`, and `backbone.npz` if it has it."""

    head: bytes
    tail: bytes | None = None

    def backbone(self, spec: BackboneSpec) -> Backbone:
        """With the bundle's own last blocks, if it has some. Raises BadBundle."""
        published = Backbone.load(spec)
        return published if self.tail is None else published.with_tail(Tail.load(self.tail))


def up_to_date(spec: BackboneSpec, weights: Weights, served: ServedModel, folder: Path) -> bool:
    """Whether `folder` already contains what `export` would write."""
    try:
        return (folder / BUILT_FROM).read_text() == _fingerprint(spec, weights, served)
    except OSError:
        return False


def export(spec: BackboneSpec, weights: Weights, served: ServedModel, folder: Path) -> None:
    """Write the SavedModel to `folder` (.../NAME/VERSION), completely or not at all.

    It has all three signatures; the one that `served` asks for is what it is warmed up with. Raises
    BadBundle where the last blocks cannot be used.
    """
    backbone, head, taken = weights.backbone(spec), SpeciesHead.load(weights.head), served.input
    tensor, function = tf().TensorSpec, tf().function
    image = tensor([None, taken.height, taken.width, photo_graph.CHANNELS], tf().float32, "pixels")

    # Traced once and called by the other two, so that the weights are in the file once.
    @function(input_signature=[image])  # type: ignore[untyped-decorator]
    def predict(pixels: Any) -> Any:
        activations = backbone.activations(pixels)
        features = pooled_features(activations)
        logits = tf().matmul(features, head.weights) + head.bias
        probabilities = tf().nn.softmax(logits / np.float32(head.temperature))
        outputs = {"features": features, "logits": logits, "probabilities": probabilities}
        return outputs if served.focus is None else {**outputs, served.focus: focus(activations)}

    signatures = {
        "serving_default": function(
            lambda pixels: predict(photo_graph.raw_pixels(pixels, taken)),
            input_signature=[tensor([None], tf().string, "pixels")],
        ),
        "jpeg": function(
            lambda jpeg: predict(photo_graph.jpeg_pixels(jpeg, taken)),
            input_signature=[tensor([None], tf().string, "jpeg")],
        ),
        "floats": predict,
    }
    with savedmodel.written(tf().Module(), signatures, folder, taken) as draft:
        (draft / BUILT_FROM).write_text(_fingerprint(spec, weights, served))


def _fingerprint(spec: BackboneSpec, weights: Weights, served: ServedModel) -> str:
    """Tells apart what `export` writes: the same inputs and code give the same text."""
    tail = "" if weights.tail is None else f" {digest(weights.tail)}"
    return f"{_REVISION} {spec.name} {served.input} {served.focus} {digest(weights.head)}{tail}"
