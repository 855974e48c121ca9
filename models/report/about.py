"""What a report says about itself: which bundle, which photos, which command, and when."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models.data import fingerprints
from models.data.labelled_photos import LabelledPhoto
from parrot.adapters.bucket import FolderFiles
from parrot.model.manifest import MANIFEST, Manifest, digest

Figures = Mapping[str, Any]

_DIGITS = 16  # of a digest: enough to compare two reports by eye
_STATED = {
    "cross_validation": "card: as they are",
    "stressed": "card: stressed",
}


@dataclass(frozen=True, slots=True)
class About:
    """`stated` are the figures that the bundle's own fit wrote down, by column of its card."""

    bundles: tuple[str, ...]  # version and start of the manifest's sha256
    command: str
    data: str  # digest of photos and labels
    seed: int | None = None  # None where nothing was drawn
    warnings: tuple[str, ...] = ()
    stated: Mapping[str, Figures] = field(default_factory=dict)
    written: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")


def of_bundles(
    folders: Sequence[Path], photos: Sequence[LabelledPhoto], *, seed: int | None = None
) -> About:
    """About bundles and photos that they may have been fitted on. Raises BadBundle.

    With a seed, about a bundle that was just fitted: its answers are cross-validated, so nothing is
    wrong if it was fitted on them.
    """
    files = fingerprints.digests(photos)
    bundles = [_bundle(folder) for folder in folders]
    metrics = bundles[-1][0].metrics
    about = About(
        tuple(name for _, name in bundles),
        _command(),
        fingerprints.of_data(photos, files)[:_DIGITS],
        seed=seed,
    )
    if seed is not None:
        return about
    warnings = [
        _seen_warning(folder, manifest, files)
        for folder, (manifest, _) in zip(folders, bundles, strict=True)
    ]
    return replace(
        about,
        warnings=tuple(dict.fromkeys(warning for warning in warnings if warning)),
        stated={name: metrics[key] for key, name in _STATED.items() if metrics.get(key)},
    )


def _bundle(folder: Path) -> tuple[Manifest, str]:
    """Its manifest, and a name: a version may be given twice, a digest not."""
    data = (folder / MANIFEST).read_bytes()
    manifest = Manifest.parse(data)
    return manifest, f"{manifest.version} ({digest(data)[:_DIGITS]})"


def _seen_warning(folder: Path, manifest: Manifest, files: Sequence[bytes]) -> str | None:
    """A sentence where the bundle was fitted on some of these photos, or cannot say.

    Raises BadBundle.
    """
    if fingerprints.TRAINED_ON not in manifest.files:
        return (
            f"Bundle {manifest.version} does not say which photos it was fitted on. If these are"
            " among them, the figures are too good."
        )
    count = fingerprints.seen(FolderFiles(folder).read(fingerprints.TRAINED_ON), files)
    if not count:
        return None
    return (
        f"Bundle {manifest.version} was fitted on {count:,} of these {len(files):,} photos: the"
        " figures are too good. Its card has those of cross-validation."
    )


def _command() -> str:
    """As it was typed, but of paths only the end: reports are sent to others."""
    words = (Path(word).name if "/" in word else word for word in sys.argv[1:])
    return shlex.join(["python", "-m", "models", *words])
