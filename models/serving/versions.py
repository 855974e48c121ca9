"""Versions on disk."""

import re
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


def _fingerprint(folder: Path) -> Fingerprint:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    stats = [(path.relative_to(folder).as_posix(), path.stat()) for path in files]
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)
