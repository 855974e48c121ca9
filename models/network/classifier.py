"""ParrotClassifier: backbone and head in one SavedModel, all outputs in one forward pass.

Every signature returns `features` (batch, 1280), and `logits` and `probabilities` (batch, classes):

    serving_default  pixels  string (batch): uint8 RGB, row by row, exactly the input's size
    jpeg             jpeg    string (batch): JPEG files of any size; cut and resized in the graph
    floats           pixels  float32 (batch, height, width, 3) RGB in 0..255
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.network import photo_graph, savedmodel
from models.network.backbone import Backbone
from models.network.head import SpeciesHead
from models.network.lazy_tf import tf
from parrot.model.inputs import InputSpec

if TYPE_CHECKING:
    from pathlib import Path

    from models.network.backbone import BackboneSpec
    from parrot.model.inputs import Encoding

NAME = "ParrotClassifier"
INPUT = InputSpec(320, 320)
BUILT_FROM = "assets.extra/built-from.txt"
# Increase when the graph or its warm-up changes, so that models built by older code are rebuilt.
_REVISION = 4


def up_to_date(spec: BackboneSpec, head: bytes, encoding: Encoding, folder: Path) -> bool:
    """Whether `folder` already contains what `export` would write."""
    try:
        return (folder / BUILT_FROM).read_text() == _fingerprint(spec, head, encoding)
    except OSError:
        return False


def export(spec: BackboneSpec, head_file: bytes, encoding: Encoding, folder: Path) -> None:
    """Write the SavedModel to `folder` (.../NAME/VERSION), completely or not at all.

    It has all three signatures; the one for `encoding` is what it is warmed up with.
    """
    backbone, head = Backbone.load(spec), SpeciesHead.load(head_file)
    tensor, function = tf().TensorSpec, tf().function
    image = tensor([None, INPUT.height, INPUT.width, photo_graph.CHANNELS], tf().float32, "pixels")

    # Traced once and called by the other two, so that the weights are in the file once.
    @function(input_signature=[image])  # type: ignore[untyped-decorator]
    def predict(pixels: Any) -> Any:
        features = backbone.features(pixels)
        logits = tf().matmul(features, head.weights) + head.bias
        probabilities = tf().nn.softmax(logits / np.float32(head.temperature))
        return {"features": features, "logits": logits, "probabilities": probabilities}

    signatures = {
        "serving_default": function(
            lambda pixels: predict(photo_graph.raw_pixels(pixels, INPUT)),
            input_signature=[tensor([None], tf().string, "pixels")],
        ),
        "jpeg": function(
            lambda jpeg: predict(photo_graph.jpeg_pixels(jpeg, INPUT)),
            input_signature=[tensor([None], tf().string, "jpeg")],
        ),
        "floats": predict,
    }
    warmed = replace(INPUT, encoding=encoding)
    with savedmodel.written(tf().Module(), signatures, folder, warmed) as draft:
        (draft / BUILT_FROM).write_text(_fingerprint(spec, head_file, encoding))


def _fingerprint(spec: BackboneSpec, head: bytes, encoding: Encoding) -> str:
    """Tells apart what `export` writes: the same inputs and code give the same text."""
    return f"{_REVISION} {spec.name} {encoding} {hashlib.sha256(head).hexdigest()}"
