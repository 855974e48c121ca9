"""A SavedModel written to its folder, with the requests that warm it up."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from models.network import warm_up
from models.network.lazy_tf import tf
from models.network.photo_graph import CHANNELS, jpeg_pixels, raw_pixels, scaled
from models.network.warm_up import SIGNATURES
from parrot.model.served_model import Encoding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from parrot.model.served_model import InputSpec


@contextmanager
def written(
    module: Any, predict: Callable[[Any], Any], folder: Path, spec: InputSpec
) -> Iterator[tuple[Path, Any]]:
    """Write a SavedModel to `folder`, completely or not at all, replacing what is there.

    `predict` takes float32 `pixels` (batch, height, width, 3) as `spec` scales them, and gives
    outputs by name. It gets the three signatures that `warm_up` knows: for raw pixels, JPEG files
    and floats. Yields the draft's folder, to which files can be added, and the traced function.
    """
    tensor, function = tf().TensorSpec, tf().function
    image = tensor([None, spec.height, spec.width, CHANNELS], tf().float32, "pixels")
    # Traced once and called by the other two, so that the weights are in the file once.
    floats = function(predict, input_signature=[image])
    signatures = {
        SIGNATURES[Encoding.RAW]: function(
            lambda pixels: floats(scaled(raw_pixels(pixels, spec), spec.scaling)),
            input_signature=[tensor([None], tf().string, "pixels")],
        ),
        SIGNATURES[Encoding.JPEG]: function(
            lambda jpeg: floats(scaled(jpeg_pixels(jpeg, spec), spec.scaling)),
            input_signature=[tensor([None], tf().string, "jpeg")],
        ),
        SIGNATURES[Encoding.FLOATS]: floats,
    }
    draft = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        tf().saved_model.save(module, str(draft), signatures=signatures)
        warm_up.write(draft, folder.resolve().parent.name, spec)
        yield draft, floats
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
