"""A bundle's SavedModel in a TF Serving model folder: built once, rebuilt on change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.network.backbone import LITE2
from models.network.classifier import Weights, export, up_to_date
from models.network.head import HEAD_FILE
from models.network.tail import TAIL_FILE
from parrot.adapters.bucket import FolderFiles
from parrot.errors import BadBundle
from parrot.model.manifest import MANIFEST, Manifest, digest

if TYPE_CHECKING:
    from pathlib import Path

    from parrot.model.served_model import ServedModel


def build(bundle: Path, models: Path) -> Path:
    """Write `models`/NAME/VERSION for the bundle's model unless it is up to date; its folder.

    Raises BadBundle if the bundle has no species head to build a model with, or a damaged backbone.
    """
    weights, served, folder = _parts(bundle, models)
    if not up_to_date(LITE2, weights, served, folder):
        export(LITE2, weights, served, folder)
    return folder


def is_built(bundle: Path, models: Path) -> bool:
    """Whether `build` has nothing to do. Raises BadBundle."""
    return up_to_date(LITE2, *_parts(bundle, models))


def read_tail(bundle: Path, manifest: Manifest) -> bytes | None:
    """The bundle's own last blocks, if it has some. Raises BadBundle where they are damaged."""
    expected = manifest.files.get(TAIL_FILE)
    if expected is None:
        return None
    try:
        data = (bundle / TAIL_FILE).read_bytes()
    except OSError as error:
        raise BadBundle(f"{bundle} has no {TAIL_FILE}") from error
    if digest(data) != expected:
        raise BadBundle(
            f"{TAIL_FILE} has sha256 {digest(data)[:12]}..., expected {expected[:12]}..."
        )
    return data


def _parts(bundle: Path, models: Path) -> tuple[Weights, ServedModel, Path]:
    manifest = Manifest.parse(FolderFiles(bundle).read(MANIFEST))
    head = bundle / HEAD_FILE
    if len(manifest.models) != 1 or not head.is_file():
        raise BadBundle(f"{bundle} has no {HEAD_FILE}: its models were built elsewhere")
    (served,) = manifest.models
    weights = Weights(head.read_bytes(), read_tail(bundle, manifest))
    return weights, served, models / served.name / (served.version or "1")
