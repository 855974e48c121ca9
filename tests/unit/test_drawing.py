"""The drawing that stands in for a photo where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from local.drawing import draw_parrot

if TYPE_CHECKING:
    from pathlib import Path


def test_the_drawing_is_the_same_each_time(tmp_path: Path) -> None:
    """A demo that answers differently each time explains nothing."""
    first, second = (draw_parrot(tmp_path / name) for name in ("one.png", "deeper/two.png"))
    with Image.open(first) as one, Image.open(second) as two:
        assert one.size == (1000, 1000)
        assert one.tobytes() == two.tobytes()
