"""The loop that keeps the registry in step with the folder."""

from __future__ import annotations

import gc
import logging
import time
from typing import TYPE_CHECKING

from local.model_server import versions
from local.model_server.errors import Code, ModelError, ServingError
from local.model_server.registry import State

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from local.model_server.registry import Registry
    from local.model_server.settings import Settings
    from local.model_server.signatures import Servable
    from local.model_server.versions import Fingerprint, Folders, VersionFolder, VersionId

log = logging.getLogger(__name__)


class Watcher:
    """Polls one base folder; `load` turns a version folder into a servable."""

    def __init__(
        self, settings: Settings, registry: Registry, load: Callable[[Path], Servable]
    ) -> None:
        """Nothing is scanned here; `load` gives a servable that is warm, or raises ServingError."""
        self._settings = settings
        self._registry = registry
        self._load = load
        self._seen: Folders | None = None
        self._failed: dict[VersionId, Fingerprint] = {}

    def poll(self) -> None:
        """Scan once: load what is wanted and new, then unload what it replaces."""
        found = versions.scan(self._settings.base)
        settled = versions.settled(found, self._seen, self._registry.serving())
        self._seen = found
        wanted = versions.aspired(settled, self._settings.policies)
        new = versions.to_load(wanted, self._registry.in_memory(), self._failed)
        for folder in new:
            self._registry.mark(folder.id, State.START)
        for folder in new:
            self._load_version(folder)
        for version_id in versions.to_unload(wanted, self._registry.serving()):
            self._registry.withdraw(version_id)
        ended = self._registry.sweep()
        for version_id in ended:
            log.info("unloaded %s", version_id)
        if ended:
            gc.collect()  # a loaded graph is large and full of reference cycles

    def run(self) -> None:
        """Poll for ever; a scan that fails is logged, and the next one tries again."""
        while True:
            time.sleep(self._settings.poll_seconds)
            try:
                self.poll()
            except Exception:
                log.exception("scanning %s failed", self._settings.base)

    def _load_version(self, folder: VersionFolder) -> None:
        self._registry.mark(folder.id, State.LOADING)
        try:
            servable = self._load(folder.path)
        except ServingError as error:
            self._fail(folder, error)
        except Exception as error:  # whatever a broken folder makes TensorFlow raise
            log.debug("loading %s failed", folder.id, exc_info=True)
            self._fail(folder, ModelError(Code.UNKNOWN, f"{type(error).__name__}: {error}"))
        else:
            self._failed.pop(folder.id, None)
            self._registry.offer(folder.id, servable)
            log.info("loaded %s", folder.id)

    def _fail(self, folder: VersionFolder, error: ServingError) -> None:
        # Remembered with its files: another try makes sense only after they change.
        self._failed[folder.id] = folder.fingerprint
        self._registry.mark(folder.id, State.END, error)
        log.error("failed to load %s: %s", folder.id, error.message)
