"""Versions on disk, and the decision which ones to load and unload.

`scan` reads the folder; everything else here is a pure function of what it returned.
"""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_GRAPH_FILE = "saved_model.pb"
_VERSION_FOLDER = re.compile(r"[0-9]+")

# (path inside the version folder, size in bytes, modification time in ns), sorted
Fingerprint = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True, order=True)
class VersionId:
    """One version of one model."""

    model: str
    version: int

    def __str__(self) -> str:
        return f"{self.model}/{self.version}"


@dataclass(frozen=True, slots=True)
class VersionFolder:
    """A version folder that holds a SavedModel's graph; `fingerprint` changes with any file."""

    id: VersionId
    path: Path
    fingerprint: Fingerprint


Folders = dict[VersionId, VersionFolder]


def scan(base: Path) -> Folders:
    """Find every `NAME/VERSION` under `base` that has a graph file.

    A folder that vanishes while it is read counts as absent.
    """
    folders: Folders = {}
    for path in sorted(base.glob("*/*")):
        if _VERSION_FOLDER.fullmatch(path.name) and (path / _GRAPH_FILE).is_file():
            version_id = VersionId(path.parent.name, int(path.name))
            with suppress(FileNotFoundError):
                folders[version_id] = VersionFolder(version_id, path, _fingerprint(path))
    return folders


def settled(now: Folders, before: Folders | None, loaded: AbstractSet[VersionId]) -> Folders:
    """Leave out folders that are still being written: those that changed since `before`.

    Without an earlier scan (None) all pass. A loaded version always passes: it was read already.
    """
    if before is None:
        return now
    return {
        version_id: folder
        for version_id, folder in now.items()
        if version_id in loaded or before.get(version_id) == folder
    }


def aspired(folders: Folders) -> Folders:
    """Choose the folders that should be served: the latest version of each model."""
    latest = {version_id.model: version_id for version_id in sorted(folders)}
    return {version_id: folders[version_id] for version_id in latest.values()}


def to_load(
    wanted: Folders, loaded: AbstractSet[VersionId], failed: Mapping[VersionId, Fingerprint]
) -> tuple[VersionFolder, ...]:
    """Choose what is wanted and not loaded; what failed, only after its files changed."""
    return tuple(
        folder
        for version_id, folder in sorted(wanted.items())
        if version_id not in loaded and failed.get(version_id) != folder.fingerprint
    )


def to_unload(wanted: Folders, loaded: AbstractSet[VersionId]) -> tuple[VersionId, ...]:
    """Choose what is no longer wanted, unless its replacement is not loaded yet."""
    wanted_models = {version_id.model for version_id in wanted}
    replaced = {version_id.model for version_id in wanted if version_id in loaded}
    return tuple(
        version_id
        for version_id in sorted(loaded)
        if version_id not in wanted
        and (version_id.model in replaced or version_id.model not in wanted_models)
    )


def _fingerprint(folder: Path) -> Fingerprint:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    stats = [(path.relative_to(folder).as_posix(), path.stat()) for path in files]
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)
