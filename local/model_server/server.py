"""The server as gunicorn runs it: a master that binds the port, and one worker with TensorFlow."""

from __future__ import annotations

import logging
import os
import socket
import sys
from threading import Thread
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication

from local.model_server.registry import Registry
from local.model_server.worker import PromptWorker

if TYPE_CHECKING:
    from gunicorn.workers.base import Worker

    from local.model_server.settings import Settings

_GRACE_SECONDS = 1  # for running requests at a signal; the whole shutdown should take less than 2 s
_KEEP_ALIVE_SECONDS = 75  # longer than clients keep connections, so that they close first
# For two cores shared with other programs: a request runs on one core, two requests use both.
_REQUEST_THREADS, _INTER_OP_THREADS, _INTRA_OP_THREADS = 4, 2, 1
_TF_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "ABSL_MIN_LOG_LEVEL": "3"}


def serve(settings: Settings) -> None:
    """Run until a signal, then raise SystemExit; see `local.model_server.run`."""
    if not settings.base.is_dir():
        raise NotADirectoryError(f"{settings.base} is not a folder")
    _require_free(settings.host, settings.port)
    for name, value in _TF_QUIET.items():
        os.environ.setdefault(name, value)
    _Server(settings).run()


def _require_free(host: str, port: int) -> None:
    """Gunicorn would try for seconds, and tell its log. Raises OSError."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gunicorn does
        try:
            probe.bind((host, port))
        except OSError as error:
            text = f"cannot listen on {host}:{port}: {error.strerror}"
            raise OSError(error.errno, text) from error


class _Server(BaseApplication):
    """The gunicorn application: its configuration, and what each worker loads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        settings = self._settings
        options = {
            "bind": f"{settings.host}:{settings.port}",
            "worker_class": PromptWorker,
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

    def load(self) -> Any:
        """In the worker: load the models, then start to poll."""
        # TensorFlow must not be imported before the fork: its threads would not survive it.
        from local.model_server import savedmodel, warm_up  # noqa: PLC0415
        from local.model_server.app import create_app  # noqa: PLC0415
        from local.model_server.watcher import Watcher  # noqa: PLC0415

        settings = self._settings
        _log_to_stderr()
        savedmodel.limit_threads(inter_op=_INTER_OP_THREADS, intra_op=_INTRA_OP_THREADS)
        registry = Registry(settings.labels)
        watcher = Watcher(settings, registry, warm_up.loaded)
        watcher.poll()
        if settings.poll_seconds > 0:
            Thread(target=watcher.run, name="watcher", daemon=True).start()
        return create_app(registry)


def _announce(worker: Worker) -> None:
    host, port = worker.sockets[0].getsockname()[:2]
    sys.stdout.write(f"ready: http://{host}:{port}\n")
    sys.stdout.flush()


def _log_to_stderr() -> None:
    logger = logging.getLogger("local.model_server")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
