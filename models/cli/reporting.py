"""HTML reports of the commands, and their warnings."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from models.cli import console
from models.data import fingerprints
from models.report import about as telling
from models.report import comparison_file, report_file
from models.report.about import About
from parrot.model.manifest import MANIFEST, Manifest, digest
from parrot.model.species import SpeciesTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.data.labelled_photos import LabelledPhoto
    from models.evaluation.results import Judged, Results


def of_fit(bundle: Path, photos: Sequence[LabelledPhoto], seed: int) -> About:
    """About a bundle that was just fitted; its answers are cross-validated, so nothing is wrong."""
    manifest, sha256 = _manifest(bundle)
    return About(
        (telling.bundle_name(manifest, sha256),),
        _command(),
        telling.data_digest(photos, fingerprints.digests(photos)),
        seed=seed,
        gates=manifest.metrics.get("gates", ()),
    )


def of_bundles(folders: Sequence[Path], photos: Sequence[LabelledPhoto]) -> About:
    """About bundles and photos that they may have been fitted on. Raises BadBundle."""
    files = fingerprints.digests(photos)
    found = [(folder, *_manifest(folder)) for folder in folders]
    warnings = [telling.seen_warning(folder, manifest, files) for folder, manifest, _ in found]
    last = found[-1][1]
    return About(
        tuple(telling.bundle_name(manifest, sha256) for _, manifest, sha256 in found),
        _command(),
        telling.data_digest(photos, files),
        warnings=tuple(dict.fromkeys(warning for warning in warnings if warning)),
        stated=telling.stated(last),
        gates=last.metrics.get("gates", ()),
    )


def write(  # noqa: PLR0913 - a report's parts
    path: Path,
    title: str,
    judged: Judged,
    species: Path,
    about: About,
    *,
    new_sources: Results | None = None,
) -> None:
    """The report on one bundle; `species` is its table."""
    names = {row.id: row.english for row in SpeciesTable.parse(species.read_bytes()).rows}
    report_file.write(path, title, judged, names, about=about, new_sources=new_sources)
    _tell(path)


def write_comparison(
    path: Path, results: Sequence[Judged], folders: tuple[Path, Path], about: About
) -> None:
    """The report on two bundles; folders of one name go by their manifests' versions."""
    before, after = (folder.name for folder in folders)
    if before == after:
        before, after = about.bundles
    parts = comparison_file.parts(*results)
    comparison_file.write(path, parts, (before, after), about)
    _tell(path)


def warn(about: About) -> None:
    """What the reader of a table must know."""
    for warning in about.warnings:
        console.err.print(f"[yellow]warning: {warning}", highlight=False, soft_wrap=True)


def _manifest(folder: Path) -> tuple[Manifest, str]:
    data = (folder / MANIFEST).read_bytes()
    return Manifest.parse(data), digest(data)


def _command() -> str:
    """As it was typed, but of paths only the end: reports are sent to others."""
    words = (Path(word).name if "/" in word else word for word in sys.argv[1:])
    return shlex.join(["python", "-m", "models", *words])


def _tell(path: Path) -> None:
    console.err.print(f"report: {path}", soft_wrap=True)
