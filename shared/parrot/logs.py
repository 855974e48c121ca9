"""Structured logs: one JSON object per line, with the request's trace, for Cloud Logging."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TextIO

_TRACE: ContextVar[str | None] = ContextVar("trace", default=None)
_ROOT = "parrot"
_LOG = logging.getLogger(__name__)
_warned: set[tuple[type[Warning], str, int]] = set()


def configure(project: str | None) -> None:
    """Send this package's log to stdout, once. Traces belong to `project`."""
    logger = logging.getLogger(_ROOT)
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(_Json(project))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        # Python remembers each text that was warned of, and Pillow puts a photo's numbers in them.
        warnings.simplefilter("always", append=True)
        warnings.showwarning = _warn


def remember_trace(header: str | None) -> None:
    """Set the trace of this request from `X-Cloud-Trace-Context`: TRACE/SPAN;o=1."""
    _TRACE.set(header.partition("/")[0][:64] if header else None)


def _warn(  # noqa: PLR0913, PLR0917 - as Python calls it
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001 - as Python calls it
    line: str | None = None,  # noqa: ARG001
) -> None:
    """Log a library's warning, once for each place that warns."""
    place = (category, filename, lineno)
    if place not in _warned:
        _warned.add(place)
        at = f"{Path(filename).name}:{lineno}"
        fields = {"warning": category.__name__, "at": at}
        _LOG.warning("%.200s", message, extra={"fields": fields})


class _Json(logging.Formatter):
    def __init__(self, project: str | None) -> None:
        super().__init__()
        self._project = project

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {"severity": record.levelname, "message": record.getMessage()}
        entry.update(getattr(record, "fields", {}))
        if record.exc_info:
            entry["message"] += "\n" + self.formatException(record.exc_info)
        trace = _TRACE.get()
        if trace and self._project:
            entry["logging.googleapis.com/trace"] = f"projects/{self._project}/traces/{trace}"
        return json.dumps(entry, ensure_ascii=False, default=str)
