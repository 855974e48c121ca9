"""What a first look says about a photo itself: how small, soft or dark it is.

Kept in the cache of the features, in a table of its own, so that the features stay valid where
something is measured differently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from parrot.model import look, reason

if TYPE_CHECKING:
    from parrot.records import Floats

SIGNS = ("window", "sharpness", "brightness")  # as in `parrot.model.reason.Evidence`


def of(pixels: Floats, size: tuple[int, int], focus: Floats) -> Floats:
    """(3,) of the pixels of a first look at a photo of this width and height."""
    found = reason.measure(pixels)
    window = look.window(focus.tolist(), *size)
    return np.array([window, found.sharpness, found.brightness], np.float32)
