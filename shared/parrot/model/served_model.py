"""A model on the model server: what it is called, what it takes and what it gives.

In a manifest:

{"name": "ParrotClassifier", "version": "1", "signature": "serving_default",
 "input": {"width": 320, "height": 320, "crop": "center", "resampling": "antialias",
           "scaling": "none", "encoding": "raw"},
 "outputs": {"features": "features", "probabilities": "probabilities", "logits": "logits"}}
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT_SIGNATURE = "serving_default"
_MAX_EDGE = 4096
_OUTPUTS = ("features", "probabilities", "logits", "focus", "second_focus")


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


@dataclass(frozen=True, slots=True)
class ServedModel:
    """`features` to `second_focus` name its outputs; None: it has none.

    `focus` is where the parrot most likely is: left, top, right and bottom, in 0..1 of the input;
    `second_focus` is the next best place beside it.

    Without a `version`, the model server chooses one. `classes` are how many of the first species
    its probabilities and logits are for, None if for all.
    """

    name: str
    version: str | None
    signature: str
    input: InputSpec
    features: str | None
    probabilities: str | None
    logits: str | None = None
    focus: str | None = None
    second_focus: str | None = None
    classes: int | None = None

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """Read the model's entry. Raises KeyError, TypeError, ValueError, AttributeError."""
        spec, outputs = raw["input"], raw["outputs"]
        return cls(
            name=str(raw["name"]),
            version=_text(raw.get("version")),
            signature=str(raw.get("signature", DEFAULT_SIGNATURE)),
            input=InputSpec(
                width=int(spec["width"]),
                height=int(spec["height"]),
                crop=Crop(spec["crop"]),
                resampling=Resampling(spec["resampling"]),
                scaling=Scaling(spec["scaling"]),
                encoding=Encoding(spec["encoding"]),
            ),
            classes=None if raw.get("classes") is None else int(raw["classes"]),
            **{role: _text(outputs.get(role)) for role in _OUTPUTS},
        )

    def dump(self) -> dict[str, Any]:
        """The inverse of `parse`."""
        return {
            "name": self.name,
            **({} if self.version is None else {"version": self.version}),
            "signature": self.signature,
            "input": asdict(self.input),
            **({} if self.classes is None else {"classes": self.classes}),
            "outputs": self.outputs,
        }

    @property
    def outputs(self) -> dict[str, str]:
        """The names of those that it has, by role."""
        names = {role: getattr(self, role) for role in _OUTPUTS}
        return {role: name for role, name in names.items() if name is not None}

    def problems(self) -> Iterator[str]:
        """What contradicts itself in this entry."""
        if not (0 < self.input.width <= _MAX_EDGE and 0 < self.input.height <= _MAX_EDGE):
            yield f"{self.name}: bad input size"
        if self.input.encoding is not Encoding.FLOATS and self.input.scaling is not Scaling.NONE:
            yield f"{self.name}: scaling goes with encoding 'floats' only"


def _text(value: object) -> str | None:
    return None if value is None else str(value)
