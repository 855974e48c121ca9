"""The picture that every clone has: a blue-and-yellow macaw, drawn by `draw.py`."""

from __future__ import annotations

from pathlib import Path

MACAW = Path(__file__).with_name("macaw.jpg")
