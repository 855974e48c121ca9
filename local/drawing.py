"""A parrot drawn with a few shapes: a sample that every clone can make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from pathlib import Path

_SIZE = 1040


def draw_parrot(path: Path) -> Path:
    """Write the drawing as PNG and return its path."""
    image = Image.new("RGB", (_SIZE, _SIZE), "#8fb98a")
    pen = ImageDraw.Draw(image)
    pen.ellipse((330, 60, 690, 400), fill="#1e6fc0")
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path
