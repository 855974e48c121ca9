"""Folders of the repository: the bundle in use, and everything that can be rebuilt."""

import hashlib
from pathlib import Path

ROOT = Path(__file__).parent.parent
DEFAULT_BUNDLE = ROOT / "models" / "default"
DEPLOY_ENV = ROOT / "deploy.env"  # what an operator changed of deploy.env.example
LOCAL = ROOT / ".local"  # git ignores it
MODEL_FOLDER = LOCAL / "models"
RUNNING = "running.json"  # in a data folder while `up` runs on it: its URLs and its bundle


def model_folder(bundle: Path) -> Path:
    """Where a bundle's SavedModel is built: a folder each, so that two can run side by side."""
    if bundle.resolve() == DEFAULT_BUNDLE:
        return MODEL_FOLDER
    name = hashlib.sha256(str(bundle.resolve()).encode()).hexdigest()[:12]
    return LOCAL / "models-of" / name
