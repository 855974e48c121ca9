"""Structured logs: one JSON object per line, with the request's id and trace, for Cloud Logging.

Each request has one line, made from what its steps recorded.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import secrets
import sys
import warnings
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TextIO

_REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
_TRACE: ContextVar[str | None] = ContextVar("trace", default=None)
_NOTED: ContextVar[dict[str, Any] | None] = ContextVar("noted", default=None)
_APP: ContextVar[str | None] = ContextVar("app", default=None)
_PSEUDONYM_LETTERS = 12
_ID_BYTES = 8
# W3C's `traceparent`, VERSION-TRACE-SPAN-FLAGS, and Google's older TRACE/SPAN;o=1.
_TRACE_ID = re.compile(r"(?:[0-9a-f]{2}-)?(?!0{32})([0-9a-f]{32})(?:[-/;].*)?")
_APP_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,31}")
_ROOT = "parrot"
_LOG = logging.getLogger(__name__)
_user_key = b""
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


def begin(trace: str | None, app: str | None = None) -> str:
    """Start a request's notes; its trace is from `traceparent` or `X-Cloud-Trace-Context`.

    `app` is from `X-App-Version`; what does not look like a version is ignored, so that it refuses
    no photo. Returns the id that all its lines get; never the caller's own, so no two requests
    share it.
    """
    match = _TRACE_ID.fullmatch(trace or "")
    request_id = secrets.token_hex(_ID_BYTES)
    _TRACE.set(match[1] if match else None)
    _REQUEST_ID.set(request_id)
    _NOTED.set({})
    sent_by(app if app and _APP_VERSION.fullmatch(app) else None)
    return request_id


def sent_by(app: str | None) -> None:
    """Which version of an app the photos of this request are from."""
    _APP.set(app)


def note(**fields: object) -> None:
    """Keep something for this request's one line. Never a token, a photo, an address, a name."""
    noted = _NOTED.get()
    if noted is not None:
        noted.update(fields)


def add(**amounts: float) -> None:
    """Like `note`; amounts of the same name add up."""
    noted = _NOTED.get()
    if noted is not None:
        for name, amount in amounts.items():
            noted[name] = round(noted.get(name, 0) + amount, 3)


def note_user(uid: str) -> None:
    """Record the caller by a pseudonym: the log alone does not reveal the user."""
    mac = hmac.new(_user_key, f"user of the log: {uid}".encode(), hashlib.sha256)
    note(user=mac.hexdigest()[:_PSEUDONYM_LETTERS])


def key_users(secret: bytes | None) -> None:
    """What pseudonyms are made with; without a secret they differ in every process."""
    global _user_key  # noqa: PLW0603 - one per process, as the log is
    if secret is not None or not _user_key:
        _user_key = secret or secrets.token_bytes(32)


def request(**fields: object) -> None:
    """Write this request's one line: these fields, after what was noted."""
    _LOG.info("request", extra={"fields": {**(_NOTED.get() or {}), **fields}})


def apart(message: str, fields: dict[str, Any]) -> None:
    """Write a line with neither id nor trace of its request: it names the app's version alone."""
    app = _APP.get()
    named = {} if app is None else {"app": app}
    _LOG.info(message, extra={"fields": {**named, **fields}, "apart": True})


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
        if getattr(record, "apart", False):
            return json.dumps(entry, ensure_ascii=False)
        request_id, trace = _REQUEST_ID.get(), _TRACE.get()
        if request_id:
            entry["request_id"] = request_id
        if trace and self._project:
            entry["logging.googleapis.com/trace"] = f"projects/{self._project}/traces/{trace}"
        return json.dumps(entry, ensure_ascii=False, default=str)
