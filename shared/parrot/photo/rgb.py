"""Any mode that a decoder gives, to RGB."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

_BAND_PX = 256


def opaque(image: Image.Image, needed: Callable[[], tuple[int, int]]) -> Image.Image:
    """RGB: 16 bits scaled (not clipped), transparency on white.

    Transparent photos need copies, so they are first reduced to what still covers `needed`.
    """
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I"):
        import numpy as np  # noqa: PLC0415 - few photos need it

        deep = np.asarray(image)
        if deep.dtype != np.uint16:
            deep = np.clip(deep, 0, 65535).astype(np.uint16)
        return Image.fromarray((deep >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        return _on_white(image, needed())
    return image.convert("RGB")


def _on_white(image: Image.Image, target: tuple[int, int]) -> Image.Image:
    """Colours weighted by their opacity, so that invisible ones do not tint the edges.

    Reduced band by band, so that no second picture of the full size is made.
    """
    factor = max(1, min(image.width // target[0], image.height // target[1]) // 2)
    size = (math.ceil(image.width / factor), math.ceil(image.height / factor))
    flat = Image.new("RGB", size, "white")
    step = factor * max(1, _BAND_PX // factor)
    for top in range(0, image.height, step):
        band = image.crop((0, top, image.width, min(top + step, image.height)))
        seen = band.convert("RGBA").convert("RGBa").reduce(factor).convert("RGBA")
        flat.paste(
            Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen), (0, top // factor)
        )
    return flat
