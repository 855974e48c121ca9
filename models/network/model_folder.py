"""A bundle's SavedModel in a TF Serving model folder: built once, rebuilt on change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.network.backbone import LITE2
from models.network.classifier import export, up_to_date
from models.network.head import HEAD_FILE
from parrot.errors import BadBundle
from parrot.model.manifest import MANIFEST, Manifest

if TYPE_CHECKING:
    from pathlib import Path

    from parrot.model.served_model import ServedModel


def build(bundle: Path, models: Path) -> Path:
    """Write `models`/NAME/VERSION for the bundle's model unless it is up to date; its folder.

    Raises BadBundle if the bundle has no species head to build a model with.
    """
    head, served, folder = _parts(bundle, models)
    if not up_to_date(LITE2, head, served, folder):
        export(LITE2, head, served, folder)
    return folder


def is_built(bundle: Path, models: Path) -> bool:
    """Whether `build` has nothing to do. Raises BadBundle."""
    return up_to_date(LITE2, *_parts(bundle, models))


def _parts(bundle: Path, models: Path) -> tuple[bytes, ServedModel, Path]:
    manifest = Manifest.parse((bundle / MANIFEST).read_bytes())
    head = bundle / HEAD_FILE
    if len(manifest.models) != 1 or not head.is_file():
        raise BadBundle(f"{bundle} has no {HEAD_FILE}: its models were built elsewhere")
    (served,) = manifest.models
    return head.read_bytes(), served, models / served.name / (served.version or "1")
