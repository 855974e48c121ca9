"""The loaded versions of a folder's models, kept in step with the folder."""

from __future__ import annotations

import gc
import logging
import time
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter
from typing import TYPE_CHECKING

from models.serving import versions
from models.serving.errors import NOT_FOUND, ServingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from models.serving.saved_model import SavedModel
    from models.serving.versions import Folders, VersionFolder, VersionId

log = logging.getLogger(__name__)


class State(StrEnum):
    """A version's life, in TF Serving's names."""

    LOADING = "LOADING"
    AVAILABLE = "AVAILABLE"
    END = "END"


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """What became of a version; one that failed to load is at END with its error."""

    state: State
    model: SavedModel | None = None
    error: ServingError | None = None
    fingerprint: versions.Fingerprint = ()  # of the files that failed


class Catalog:
    """Every version that was ever wanted; TF Serving also keeps them for its status answer.

    One thread polls and replaces the mapping; a request keeps the version that it took out, so that
    version stays in memory until the request is answered.
    """

    def __init__(self, base: Path, load: Callable[[Path], SavedModel]) -> None:
        """Nothing is read here. `load` may raise anything: that version is not served then."""
        self._base = base
        self._load = load
        self._seen: Folders | None = None
        self._versions: Mapping[VersionId, ServedVersion] = {}

    def model(self, name: str, version: int | None) -> SavedModel:
        """A model's version, or its latest one. Raises ServingError if it is not loaded."""
        for served in self.statuses(name, version).values():
            if served.model is not None:
                return served.model
        raise ServingError(f"model {name} is not loaded", NOT_FOUND)

    def statuses(self, name: str, version: int | None) -> Mapping[VersionId, ServedVersion]:
        """The versions of a model, newest first, or only one. Raises ServingError if none."""
        known = {
            version_id: served
            for version_id, served in self._versions.items()
            if version_id.model == name and version in (None, version_id.version)
        }
        if not known:
            raise ServingError(f"there is no such model, or version of it: {name}", NOT_FOUND)
        return dict(sorted(known.items(), key=itemgetter(0), reverse=True))

    def poll(self) -> None:
        """Scan once: load the latest version of each model, then unload what it replaces.

        What changed since the last scan is still being written, and waits for the next one.
        """
        now, before = versions.scan(self._base), self._seen
        self._seen = now
        latest = {
            version_id.model: folder
            for version_id, folder in sorted(now.items())
            if before is None or before.get(version_id) == folder or self._loaded(version_id)
        }
        new = [folder for folder in latest.values() if not self._tried(folder)]
        for folder in new:
            self._set(folder.id, ServedVersion(State.LOADING))
        for folder in new:
            self._set(folder.id, self._served(folder))
        for version_id in sorted(filter(self._loaded, self._versions)):
            newest = latest.get(version_id.model)
            if newest is None or (newest.id != version_id and self._loaded(newest.id)):
                self._set(version_id, ServedVersion(State.END))
                gc.collect()  # a loaded graph is large and full of reference cycles
                log.info("unloaded %s", version_id)

    def follow(self, seconds: float) -> None:
        """Poll for ever; a scan that fails is logged, and the next one tries again."""
        while True:
            time.sleep(seconds)
            try:
                self.poll()
            except Exception:
                log.exception("scanning %s failed", self._base)

    def _loaded(self, version_id: VersionId) -> bool:
        served = self._versions.get(version_id)
        return served is not None and served.model is not None

    def _tried(self, folder: VersionFolder) -> bool:
        """Whether it is loaded, or failed to load from these very files."""
        served = self._versions.get(folder.id)
        failed = served is not None and served.error and served.fingerprint == folder.fingerprint
        return bool(failed) or self._loaded(folder.id)

    def _set(self, version_id: VersionId, served: ServedVersion) -> None:
        self._versions = {**self._versions, version_id: served}

    def _served(self, folder: VersionFolder) -> ServedVersion:
        try:
            model = self._load(folder.path)
        except Exception as error:  # noqa: BLE001 - whatever a broken folder makes TensorFlow raise
            log.error("failed to load %s: %s", folder.id, error)  # noqa: TRY400 - one line
            code = error.code if isinstance(error, ServingError) else "UNKNOWN"
            # A new error, never raised: the old one's frames hold all that was loaded.
            reason = ServingError(str(error) or type(error).__name__, code)
            return ServedVersion(State.END, None, reason, folder.fingerprint)
        log.info("loaded %s", folder.id)
        return ServedVersion(State.AVAILABLE, model)
