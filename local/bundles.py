"""What pages load that others wrote: bundled when it is first asked for, if there is npm."""

import logging
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from flask import Response, send_from_directory

AGAIN_SECONDS = 300.0
_log = logging.getLogger(__name__)


class Bundles:
    """A folder of files, and the command that makes them all.

    Where the command fails, it is not run again for five minutes: it takes long to fail without a
    network, and every page load asks for two files.
    """

    def __init__(
        self, folder: Path, command: Sequence[str], *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder, self._command, self._now = folder, command, now
        self._making = threading.Lock()
        self._failed: float | None = None

    def answer(self, name: str) -> Response:
        """The file, or 404; whoever asks meanwhile waits for the command."""
        with self._making:
            if not (self._folder / name).is_file() and self._due():
                self._make(name)
        return send_from_directory(self._folder, name, conditional=False)

    def _due(self) -> bool:
        return self._failed is None or self._now() - self._failed >= AGAIN_SECONDS

    def _make(self, name: str) -> None:
        subprocess.run(self._command, check=False)  # noqa: S603 - our own command
        if (self._folder / name).is_file():
            return
        self._failed = self._now()
        _log.warning(
            "%s made no %s: not tried again for %.0f minutes",
            " ".join(self._command),
            name,
            AGAIN_SECONDS / 60,
        )
