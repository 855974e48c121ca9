"""What a report says about itself: which bundle, which photos, which command, and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from models.data import fingerprints
from parrot.adapters.bucket import FolderFiles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from models.data.labelled_photos import LabelledPhoto
    from parrot.model.manifest import Manifest

    Figures = Mapping[str, Any]

_DIGITS = 16  # of a digest: enough to compare two reports by eye


@dataclass(frozen=True, slots=True)
class About:
    """`stated` are the figures that the bundle's own fit wrote down, by column."""

    bundles: tuple[str, ...]  # version and start of the manifest's sha256
    command: str
    data: str  # digest of photos and labels
    seed: int | None = None  # None where nothing was drawn
    warnings: tuple[str, ...] = ()
    stated: Mapping[str, Figures] = field(default_factory=dict)
    gates: Sequence[Mapping[str, Any]] = ()
    written: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")


def data_digest(photos: Sequence[LabelledPhoto], files: Sequence[bytes]) -> str:
    """Short enough to be read out."""
    return fingerprints.of_data(photos, files)[:_DIGITS]


def bundle_name(manifest: Manifest, sha256: str) -> str:
    """A version may be given twice, a digest not."""
    return f"{manifest.version} ({sha256[:_DIGITS]})"


def stated(manifest: Manifest) -> dict[str, Figures]:
    """The columns of the bundle's card."""
    columns = {
        "cross_validation": "card: as they are",
        "stressed": "card: stressed",
        "new_sources": "card: new sources",
    }
    found = manifest.metrics
    return {name: found[key] for key, name in columns.items() if isinstance(found.get(key), dict)}


def seen_warning(folder: Path, manifest: Manifest, files: Sequence[bytes]) -> str | None:
    """A sentence where the bundle was fitted on some of these photos, or cannot say.

    Raises BadBundle.
    """
    if fingerprints.TRAINED_ON not in manifest.files:
        return (
            f"Bundle {manifest.version} does not say which photos it was fitted on. If these are"
            " among them, the figures are too good."
        )
    trained_on = FolderFiles(folder).read(fingerprints.TRAINED_ON)
    count = fingerprints.seen(trained_on, files)
    if not count:
        return None
    return (
        f"Bundle {manifest.version} was fitted on {count:,} of these {len(files):,} photos: the"
        " figures are too good. Its card has those of cross-validation."
    )
