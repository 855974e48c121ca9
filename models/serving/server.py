"""The server as gunicorn runs it: a master that binds the port, and one worker with TensorFlow."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.workers.base import Worker
from gunicorn.workers.gthread import ThreadWorker

from models.serving.catalog import Catalog

_GRACE_SECONDS = 1  # for running requests at a signal; the whole shutdown should take less than 2 s
_KEEP_ALIVE_SECONDS = 75  # longer than clients keep connections, so that they close first
_REQUEST_THREADS = 4


def serve(base: Path, *, host: str, port: int, poll_seconds: float) -> None:
    """Serve the latest version of every model under `base` until SIGTERM or SIGINT.

    Args:
        base: the folder that holds `NAME/VERSION/saved_model.pb`.
        host: the address to bind; keep it local, there is no authentication.
        port: 0 picks a free one; the `ready:` line names it.
        poll_seconds: between two scans of the folder; 0 scans once, at the start.

    Prints `ready: http://HOST:PORT` on stdout once the first scan is finished, and one line per
    loaded or unloaded version on stderr. Ends with SystemExit, status 0 after a signal.

    Raises OSError where `base` is not a folder, or nothing can listen there.
    """
    if not base.is_dir():
        raise NotADirectoryError(f"{base} is not a folder")
    _require_free(host, port)
    _Server(f"{host}:{port}", partial(_application, base, poll_seconds)).run()


def _require_free(host: str, port: int) -> None:
    """Gunicorn would try for seconds, and tell its log. Raises OSError."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gunicorn does
        try:
            probe.bind((host, port))
        except OSError as error:
            text = f"cannot listen on {host}:{port}: {error.strerror}"
            raise OSError(error.errno, text) from error


def _application(base: Path, poll_seconds: float) -> Flask:
    """In the worker: load the models, then start to poll."""
    # TensorFlow must not be imported before the fork: its threads would not survive it.
    from models.serving.app import create_app  # noqa: PLC0415
    from models.serving.saved_model import SavedModel  # noqa: PLC0415

    log = logging.getLogger("models.serving")
    log.addHandler(logging.StreamHandler(sys.stderr))
    log.setLevel(logging.INFO)
    catalog = Catalog(base, SavedModel)
    catalog.poll()
    if poll_seconds > 0:
        Thread(target=catalog.follow, args=(poll_seconds,), daemon=True).start()
    return create_app(catalog)


class _Server(BaseApplication):
    """The gunicorn application; `build` runs in the worker."""

    def __init__(self, bind: str, build: Callable[[], Flask]) -> None:
        self._bind = bind
        self._build = build
        super().__init__()

    def load(self) -> Any:
        return self._build()

    def load_config(self) -> None:
        options = {
            "bind": self._bind,
            "worker_class": _PromptWorker,
            "workers": 1,  # each would load every model
            "threads": _REQUEST_THREADS,
            # No heartbeat limit: importing TensorFlow and loading can take long on a busy machine.
            "timeout": 0,
            "graceful_timeout": _GRACE_SECONDS,
            "keepalive": _KEEP_ALIVE_SECONDS,
            "loglevel": "warning",
            "control_socket_disable": True,  # it would write to the home folder
            "post_worker_init": _announce,
        }
        for name, value in options.items():
            self.cfg.set(name, value)


class _PromptWorker(ThreadWorker):
    """Exits as soon as the last answer is sent, which is the same for every signal."""

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


def _announce(worker: Worker) -> None:
    host, port = worker.sockets[0].getsockname()[:2]
    sys.stdout.write(f"ready: http://{host}:{port}\n")
    sys.stdout.flush()
