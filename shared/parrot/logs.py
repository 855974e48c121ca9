"""Structured logs: one JSON object per line, with the request's id and trace, for Cloud Logging.

Each request has one line, made from what its steps recorded. Each photo that was looked at has one
that leads to nobody.
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
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from parrot.model.reason import Quality
    from parrot.records import Classification

PHOTO = "photo"  # the message of a photo's line
SAVED = "(saved)"  # of stored photos, in place of a version; no app can call itself that
_PSEUDONYM_LETTERS = 12
_ID_BYTES = 8
_DECIMALS = 4  # of a photo's measures
# W3C's `traceparent`, VERSION-TRACE-SPAN-FLAGS, and Google's older TRACE/SPAN;o=1.
_TRACE_ID = re.compile(r"(?:[0-9a-f]{2}-)?(?!0{32})([0-9a-f]{32})(?:[-/;].*)?")
_APP_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,31}")
_ROOT = "parrot"
_LOG = logging.getLogger(__name__)
_user_key = b""
_warned: set[tuple[type[Warning], str, int]] = set()


@dataclass(slots=True)
class _Request:
    """What the lines of a request say."""

    id: str
    trace: str | None
    app: str | None  # the version of the app that sent it
    noted: dict[str, Any] = field(default_factory=dict)


_current: ContextVar[_Request | None] = ContextVar("request", default=None)


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
    version = app if app and _APP_VERSION.fullmatch(app) else None
    request = _Request(secrets.token_hex(_ID_BYTES), match[1] if match else None, version)
    _current.set(request)
    return request.id


def sent_by(app: str) -> None:
    """Which version of an app the photos of this request are from."""
    request = _current.get()
    if request is not None:
        request.app = app


def note(**fields: object) -> None:
    """Keep something for this request's one line. Never a token, a photo, an address, a name."""
    request = _current.get()
    if request is not None:
        request.noted.update(fields)


def add(**amounts: float) -> None:
    """Like `note`; amounts of the same name add up."""
    request = _current.get()
    if request is not None:
        for name, amount in amounts.items():
            request.noted[name] = round(request.noted.get(name, 0) + amount, 3)


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
    current = _current.get()
    noted = current.noted if current is not None else {}
    _LOG.info("request", extra={"fields": {**noted, **fields}})


def photo(answer: Classification, quality: Quality) -> None:
    """Write the line of one photo that was looked at; `python -m models drift` compares them.

    `doubt` is what speaks against the answer: of a possible parrot, all but its likeliest species;
    of others, that it is a parrot. `side` is the photo's short side in pixels, `distance`
    that of `Embedding`; see `Quality` for the others.
    """
    named = answer.is_parrot or answer.maybe
    likeliest = answer.species[0].probability if answer.species else 0.0
    known = answer.species_set
    fields = {
        "bundle": answer.bundle,
        "verdict": answer.verdict,
        "reason": answer.reason,
        "names": None if known is None else len(known.species),
        "doubt": round(1 - likeliest if named else answer.parrot_probability, _DECIMALS),
        "brightness": round(quality.brightness, _DECIMALS),
        "sharpness": round(quality.sharpness, _DECIMALS),
        "side": min(answer.width, answer.height),
        "distance": answer.embedded and round(answer.embedded.distance, _DECIMALS),
    }
    apart(PHOTO, {name: value for name, value in fields.items() if value is not None})


def apart(message: str, fields: dict[str, Any]) -> None:
    """Write a line with neither id nor trace of its request: it names the app's version alone."""
    current = _current.get()
    named = {} if current is None or current.app is None else {"app": current.app}
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
        request = _current.get()
        if request is not None:
            entry["request_id"] = request.id
            if request.trace and self._project:
                trace = f"projects/{self._project}/traces/{request.trace}"
                entry["logging.googleapis.com/trace"] = trace
        return json.dumps(entry, ensure_ascii=False, default=str)
