"""gunicorn's threaded worker, which exits as soon as the last answer is sent."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

from gunicorn.workers.gthread import ThreadWorker

if TYPE_CHECKING:
    from types import FrameType


class PromptWorker(ThreadWorker):
    """Differs from its parent only in how it exits, which is the same for every signal."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Finish running requests; do not wait for clients that only stay connected."""
        if not self.booted:
            os._exit(0)  # still importing or loading: there is nothing to finish
        self.cfg.set("keepalive", 0)  # for connections that become idle from now on
        self.method_queue.defer(self._expire_idle)
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """Treat Ctrl-C like SIGTERM."""
        self.handle_exit(sig, frame)

    def run(self) -> None:
        """Serve until a signal, then skip TensorFlow's teardown, which takes a second."""
        super().run()
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)

    def _expire_idle(self) -> None:
        """Expire every idle connection; the main loop closes them."""
        for connection in self.keepalived_conns:
            connection.timeout = 0.0
