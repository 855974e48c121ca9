"""Backbone and head as one SavedModel: ParrotClassifier, one forward pass, all outputs.

Signatures, each giving `features` (batch, 1280), and by class `logits` and `probabilities`:

    serving_default  pixels  string (batch): uint8 RGB, row by row, exactly the input's size
    jpeg             jpeg    string (batch): JPEG files of any size; cut and resized in the graph
    floats           pixels  float32 (batch, height, width, 3) RGB in 0..255
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

from models import backbone as backbones
from models.head import SpeciesHead
from models.lazy_tf import tf
from models.views import INPUT

if TYPE_CHECKING:
    from pathlib import Path

    from models.backbone import BackboneSpec

NAME = "ParrotClassifier"
_FINGERPRINT = "assets.extra/built-from.txt"
# Raise when the graph changes, so that models built by older code are built again.
_REVISION = 2


def up_to_date(spec: BackboneSpec, head: bytes, folder: Path) -> bool:
    """Whether `folder` holds what `export` would write for this head file."""
    try:
        return (folder / _FINGERPRINT).read_text() == _fingerprint(spec, head)
    except OSError:
        return False


def export(spec: BackboneSpec, head_file: bytes, folder: Path) -> None:
    """Write the SavedModel to `folder` (.../NAME/VERSION), whole or not at all."""
    backbone, head = backbones.load(spec), SpeciesHead.load(head_file)
    size = INPUT.width
    tensorflow = tf()

    tensor = tensorflow.TensorSpec
    image = tensor([None, size, size, 3], tensorflow.float32, "pixels")

    # Traced once and called by the other two, so that the weights are in the file once.
    @tensorflow.function(input_signature=[image])  # type: ignore[untyped-decorator]
    def predict(pixels: Any) -> Any:
        features = backbones.forward(backbone, pixels)
        logits = tensorflow.matmul(features, head.weights) + head.bias
        probabilities = tensorflow.nn.softmax(logits / np.float32(head.temperature))
        return {"features": features, "logits": logits, "probabilities": probabilities}

    def from_raw(pixels: Any) -> Any:
        decoded = tensorflow.io.decode_raw(pixels, tensorflow.uint8, fixed_length=size * size * 3)
        length = tensorflow.strings.length(pixels)
        check = tensorflow.debugging.assert_equal(
            length, size * size * 3, f"raw pixels are {size} x {size} x 3 bytes"
        )
        with tensorflow.control_dependencies([check]):
            shaped = tensorflow.reshape(decoded, (-1, size, size, 3))
        return predict(tensorflow.cast(shaped, tensorflow.float32))

    def from_jpeg(jpeg: Any) -> Any:
        images = tensorflow.map_fn(
            lambda file: _decode_jpeg(tensorflow, file, size),
            jpeg,
            fn_output_signature=tensorflow.TensorSpec((size, size, 3), tensorflow.float32),
        )
        return predict(images)

    module = tensorflow.Module()
    signatures = {
        "serving_default": tensorflow.function(
            from_raw, input_signature=[tensor([None], tensorflow.string, "pixels")]
        ),
        "jpeg": tensorflow.function(
            from_jpeg, input_signature=[tensor([None], tensorflow.string, "jpeg")]
        ),
        "floats": predict,
    }
    draft = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    tensorflow.saved_model.save(module, str(draft), signatures=signatures)
    _write_warmup(draft, size)
    (draft / _FINGERPRINT).write_text(_fingerprint(spec, head_file))
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)


def _decode_jpeg(tensorflow: Any, file: Any, size: int) -> Any:
    """The graph's own preprocessing: the largest centred square, as `parrot.images` cuts it."""
    image = tensorflow.io.decode_jpeg(file, channels=3, dct_method="INTEGER_ACCURATE")
    shape = tensorflow.shape(image)
    edge = tensorflow.minimum(shape[0], shape[1])
    square = tensorflow.image.crop_to_bounding_box(
        image, (shape[0] - edge) // 2, (shape[1] - edge) // 2, edge, edge
    )
    small = tensorflow.image.resize(square, (size, size), antialias=True)
    return tensorflow.clip_by_value(tensorflow.round(small), 0.0, 255.0)


def _write_warmup(folder: Path, size: int) -> None:
    """A request that the local server replays after loading, so that no phone waits for it."""
    pixels = base64.b64encode(np.full((size, size, 3), 127, np.uint8).tobytes()).decode()
    extra = folder / "assets.extra"
    extra.mkdir(parents=True, exist_ok=True)
    (extra / "warmup.json").write_text(json.dumps({"instances": [{"b64": pixels}]}))


def _fingerprint(spec: BackboneSpec, head: bytes) -> str:
    return f"{_REVISION} {spec.name} {hashlib.sha256(head).hexdigest()}"
