"""Versions on disk, and the decision which ones to load and unload.

`scan` reads the folder; everything else here is a pure function of what it found.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet
    from pathlib import Path

_GRAPH_FILE = "saved_model.pb"
_VERSION_FOLDER = re.compile(r"[0-9]+")
_LABEL_FLAG = re.compile(r"(?P<model>[^:/]+):(?P<label>[^:/=]+)=(?P<version>[0-9]+)")
_POLICY_FLAG = re.compile(r"(?P<model>[^:/]+):(?P<versions>all|[0-9]+(?:,[0-9]+)*)")

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


@dataclass(frozen=True, slots=True)
class Label:
    """A name for one version, as in `--label NAME:stable=1`."""

    model: str
    label: str
    version: int

    @classmethod
    def parse(cls, text: str) -> Label:
        """Read `NAME:LABEL=VERSION`; ValueError for anything else."""
        match = _LABEL_FLAG.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not of the form NAME:LABEL=VERSION")
        return cls(match["model"], match["label"], int(match["version"]))


@dataclass(frozen=True, slots=True)
class VersionPolicy:
    """Which versions of a model to serve: those in `only`, or every one if that is None."""

    model: str
    only: frozenset[int] | None

    @classmethod
    def parse(cls, text: str) -> VersionPolicy:
        """Read `NAME:all` or `NAME:1,2`; ValueError for anything else."""
        match = _POLICY_FLAG.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not of the form NAME:all or NAME:1,2")
        if match["versions"] == "all":
            return cls(match["model"], None)
        return cls(match["model"], frozenset(map(int, match["versions"].split(","))))


Folders = dict[VersionId, VersionFolder]


def scan(base: Path) -> Folders:
    """Find every `NAME/VERSION` under `base` that has a graph file.

    A folder that vanishes while it is read counts as absent.
    """
    folders: Folders = {}
    for model in _subfolders(base):
        for path in _subfolders(model):
            if not _VERSION_FOLDER.fullmatch(path.name):
                continue
            fingerprint = _fingerprint(path)
            if any(name == _GRAPH_FILE for name, _, _ in fingerprint):
                version_id = VersionId(model.name, int(path.name))
                folders[version_id] = VersionFolder(version_id, path, fingerprint)
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


def aspired(folders: Folders, policies: Iterable[VersionPolicy]) -> Folders:
    """Choose the folders that should be served: what the model's policy says, or the latest."""
    by_model = {policy.model: policy for policy in policies}
    latest = {version_id.model: version_id for version_id in sorted(folders)}

    def wanted(version_id: VersionId) -> bool:
        policy = by_model.get(version_id.model)
        if policy is None:
            return version_id == latest[version_id.model]
        return policy.only is None or version_id.version in policy.only

    return {version_id: folder for version_id, folder in folders.items() if wanted(version_id)}


def to_load(
    wanted: Folders, in_memory: AbstractSet[VersionId], failed: Mapping[VersionId, Fingerprint]
) -> tuple[VersionFolder, ...]:
    """Choose what is wanted and not in memory; what failed, only after its files changed."""
    return tuple(
        folder
        for version_id, folder in sorted(wanted.items())
        if version_id not in in_memory and failed.get(version_id) != folder.fingerprint
    )


def to_unload(wanted: Folders, serving: AbstractSet[VersionId]) -> tuple[VersionId, ...]:
    """Choose what is no longer wanted, unless its replacement does not serve yet."""
    wanted_models = {version_id.model for version_id in wanted}
    replaced = {version_id.model for version_id in wanted if version_id in serving}
    return tuple(
        version_id
        for version_id in sorted(serving)
        if version_id not in wanted
        and (version_id.model in replaced or version_id.model not in wanted_models)
    )


def _subfolders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _fingerprint(folder: Path) -> Fingerprint:
    files: list[tuple[str, int, int]] = []
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)  # noqa: PTH118 - runs every second, and Path is slower
            try:
                stat = os.stat(path)  # noqa: PTH116 - as above
            except FileNotFoundError:
                continue
            files.append((os.path.relpath(path, folder), stat.st_size, stat.st_mtime_ns))
    return tuple(sorted(files))
