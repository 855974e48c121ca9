"""The request line: which model, which of its versions, and what to do with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from urllib.parse import unquote

from local.model_server.errors import InvalidArgument, NotFound

_MODEL = r"/v1/models/(?P<model>[^/:]+)(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
# The whole path has to match, query string included. Upper case matches too, except in what is
# asked: `:PREDICT` is a malformed request and `/METADATA` means the status, as in TF Serving.
_POST = re.compile(rf"{_MODEL}:(?P<verb>classify|regress|predict)", re.IGNORECASE | re.ASCII)
_GET = re.compile(rf"{_MODEL}(?:/(?P<verb>metadata))?", re.IGNORECASE | re.ASCII)
_ALL_MODELS = "/v1/models"
_API_PREFIX = "/v1/"
_MAX_VERSION = 2**63 - 1


class Verb(Enum):
    """What a request asks of a model."""

    PREDICT = "predict"
    CLASSIFY = "classify"
    REGRESS = "regress"
    METADATA = "metadata"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Target:
    """A verb and its model; without version and label, the latest version."""

    verb: Verb
    model: str
    version: int | None = None
    label: str | None = None

    def __str__(self) -> str:
        if self.version is not None:
            return f"Specific({self.model}, {self.version})"
        return f"Latest({self.model})"


def parse(method: str, path: str) -> Target:
    """Read a request line's method and its raw path, still percent-encoded, with any query.

    Raises:
        InvalidArgument: the path is under /v1/ but malformed, as in TF Serving.
        NotFound: any other path.
    """
    if not path.lower().startswith(_API_PREFIX):
        raise NotFound(f"Nothing is served at {path}")
    if method == "GET" and path.lower() == _ALL_MODELS:
        raise InvalidArgument("Missing model name in request.")
    pattern = {"POST": _POST, "GET": _GET}.get(method)
    match = pattern.fullmatch(path) if pattern else None
    if match is None:
        raise _malformed(method, path)
    return Target(
        verb=_verb(match["verb"], method, path),
        model=unquote(match["model"]),
        version=_version(match["version"]),
        label=None if match["label"] is None else unquote(match["label"]),
    )


def _verb(word: str | None, method: str, path: str) -> Verb:
    if method == "GET":
        return Verb.METADATA if word == Verb.METADATA.value else Verb.STATUS
    if word is None or word != word.lower():
        raise _malformed(method, path)
    return Verb(word)


def _malformed(method: str, path: str) -> InvalidArgument:
    return InvalidArgument(f"Malformed request: {method} {path}")


def _version(digits: str | None) -> int | None:
    if digits is None:
        return None
    # The length is compared first: int() raises its own error for thousands of digits.
    if len(digits) > len(str(_MAX_VERSION)) or int(digits) > _MAX_VERSION:
        raise InvalidArgument(f"Failed to convert version: {digits[:40]} to numeric.")
    return int(digits)
