"""How a photo becomes what one model takes: its size, cut, resampling, range and encoding."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Crop(StrEnum):
    """How a photo of any shape becomes the model's rectangle."""

    CENTER = "center"  # the largest centred cut with the model's aspect ratio
    SQUASH = "squash"  # the whole photo, aspect ratio ignored


class Resampling(StrEnum):
    """How pixels are averaged when the size changes."""

    ANTIALIAS = "antialias"  # Pillow's bilinear, whose support grows with the reduction
    TF_BILINEAR = "tf-bilinear"  # tf.image.resize(method="bilinear", antialias=False)


class Scaling(StrEnum):
    """The range of values that the model expects."""

    NONE = "none"  # uint8, 0..255; the model does its own scaling
    UNIT = "unit"  # 0..1
    SYMMETRIC = "symmetric"  # -1..1
    CAFFE = "caffe"  # BGR minus the ImageNet mean, as Keras calls it


class Encoding(StrEnum):
    """How one photo is sent to the model server."""

    RAW = "raw"  # {"b64": uint8 pixels, row by row}
    JPEG = "jpeg"  # {"b64": a JPEG file of the model's size}
    FLOATS = "floats"  # nested JSON lists: slow, but every model accepts them


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What a model takes."""

    width: int
    height: int
    crop: Crop = Crop.CENTER
    resampling: Resampling = Resampling.ANTIALIAS
    scaling: Scaling = Scaling.NONE
    encoding: Encoding = Encoding.RAW
