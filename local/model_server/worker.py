"""gunicorn's threaded worker, made to leave as soon as the last answer is out."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

from gunicorn.workers.gthread import ThreadWorker

if TYPE_CHECKING:
    from types import FrameType


class PromptWorker(ThreadWorker):
    """Differs from its parent only in how it ends, which is the same for every signal."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Finish the requests under way; do not linger for clients that merely stay connected."""
        if not self.booted:
            os._exit(0)  # still importing or loading: nothing to finish, and nobody to tell
        self.cfg.set("keepalive", 0)  # for the connections that fall idle from now on
        self.method_queue.defer(self._expire_idle)
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """Treat Ctrl-C like SIGTERM."""
        self.handle_exit(sig, frame)

    def run(self) -> None:
        """Serve until a signal, then skip the teardown of TensorFlow, which takes a second."""
        super().run()
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)

    def _expire_idle(self) -> None:
        """Let every idle connection's time be up; the main loop closes such."""
        for connection in self.keepalived_conns:
            connection.timeout = 0.0
