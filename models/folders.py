"""Folders of the repository: the bundle in use, and everything that can be rebuilt."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent
DEFAULT_BUNDLE = ROOT / "models" / "default"
LOCAL = ROOT / ".local"  # git ignores it
MODEL_FOLDER = LOCAL / "models"
