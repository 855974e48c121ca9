"""A loaded model as the rest of the server sees it, without TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    Array = npt.NDArray[Any]

DEFAULT_SIGNATURE = "serving_default"


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """A named input and TensorFlow's name of its type. Its shape is the graph's business."""

    name: str
    dtype: str


@dataclass(frozen=True, slots=True)
class Signature:
    """One way to call a model; inputs and outputs sorted by name."""

    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[str, ...]


class Servable(Protocol):
    """A loaded version of a model."""

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """The signatures that can be called, by name."""

    @property
    def signature_defs(self) -> Mapping[str, object]:
        """Every SignatureDef in protobuf's JSON form, for the metadata answer."""

    def run(self, signature: str, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
        """Call a signature; strings are object arrays of bytes.

        Raises:
            ServingError: the model refused the inputs or failed.
        """
