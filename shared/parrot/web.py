"""Flask requests to records and records to responses; errors to application/problem+json."""

from __future__ import annotations

import base64
import binascii
import io
import json
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from flask import Response
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from parrot import images, logs
from parrot.errors import (
    BackendError,
    InvalidImage,
    InvalidRequest,
    MethodNotAllowed,
    ParrotError,
    PhotoTooLarge,
    RequestError,
    TooManyRequests,
    Unauthenticated,
    UnsupportedMedia,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Request

    from parrot.config import Settings
    from parrot.records import Classification, Observation, Photo, Species, User
    from parrot.save import Saved

_LOG = logging.getLogger(__name__)

BASE_PATH = "/parrot-classifier"
PROBLEM = "application/problem+json"
DEFAULT_TOP = 5
_MOST_TOP = 1000
NOT_A_PARROT = "Not parrot"
SAVED = "Image save Succeess"  # the first version's spelling: its phones compare it
_FIRST_VERSION_TYPE = "text/html; charset=utf-8"  # what Flask says of a bare string
_FIRST_VERSION_FIELD = "b64"
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_ROOM_BESIDE_THE_PHOTO = 64 * 1024
_MAX_FIELD = 200
_SPACE = ord(" ")
_URLSAFE = str.maketrans({" ": "+", "-": "+", "_": "/", "\r": None, "\n": None, "\t": None})
# Decimals of a probability in JSON: more than any model means.
_DECIMALS = 6


class Identity(Protocol):
    """Who stands behind a bearer token."""

    def user(self, token: str) -> User:
        """Raises Unauthenticated."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A photo as it was sent: the file, the other fields, and in which version's manner."""

    photo: Photo
    fields: Mapping[str, str]
    first_version: bool


def respond(
    request: Request,
    settings: Callable[[], Settings],
    methods: Mapping[str, Callable[[Request], Response]],
) -> Response:
    """Answer with the method's handler; every error becomes a problem+json, nothing is raised."""
    started = time.perf_counter()
    logs.remember_trace(request.headers.get("X-Cloud-Trace-Context"))
    origins: tuple[str, ...] = ()
    code = None
    try:
        config = settings()
        origins = config.cors_origins
        _limit(request, config)
        if request.method == "OPTIONS":
            response = Response(status=204)
            response.headers["Allow"] = ", ".join(("OPTIONS", *methods))
        else:
            response = _handler(request, methods)(request)
    except Exception as error:  # noqa: BLE001 - the border: whatever happened, the phone gets an answer
        # functions-framework drains the body after every answer; what was refused stays unread.
        request.stream = io.BytesIO()
        problem = _as_parrot_error(error)
        code = problem.code
        response = _problem(problem)
    _allow_origin(request, response, origins, methods)
    _LOG.info(
        "%s %s %d",
        request.method,
        request.path,
        response.status_code,
        extra={"fields": {"code": code, "ms": round((time.perf_counter() - started) * 1000, 1)}},
    )
    return response


def read_photo(request: Request, *, max_bytes: int) -> Submission:
    """The photo, however it was sent; size and type are checked, nothing is decoded.

    Raises InvalidImage (400), InvalidRequest, PhotoTooLarge, UnsupportedMedia.
    """
    kind = request.mimetype
    query = {name: value[:_MAX_FIELD] for name, value in request.args.items()}
    first_version = False
    if kind == _MULTIPART:
        data, fields, first_version = _from_form(request)
    elif kind == _FORM:
        # `curl --data-binary @photo.jpg` says "form" of everything: look before parsing.
        body = request.get_data(cache=True)
        if _looks_like_image(body):
            data, fields = body, {}
        else:
            data, fields, first_version = _from_form(request)
    elif kind == "application/json":
        data, fields = _from_json(request.get_data(cache=False))
    elif kind.startswith("image/") or kind in {"application/octet-stream", ""}:
        data, fields = request.get_data(cache=False), {}
    else:
        raise UnsupportedMedia(
            f"a body of type {kind!r:.80}: send a multipart file 'image', a raw image/* body,"
            ' or JSON {"image": "<base64>"}'
        )
    return Submission(images.read(data, max_bytes=max_bytes), {**query, **fields}, first_version)


def user(request: Request, identity: Callable[[], Identity]) -> User | None:
    """Who asks; None for nobody. Raises Unauthenticated for credentials that are no good."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("the Authorization header is no 'Bearer <token>'")
    return identity().user(token.strip())


def top(request: Request) -> int:
    """`?top=`: how many species. Raises InvalidRequest."""
    text = request.args.get("top", str(DEFAULT_TOP))
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= _MOST_TOP:
        raise InvalidRequest(f"top={text!r:.20} is no number from 1 to {_MOST_TOP}")
    return int(text)


def idempotency_key(request: Request) -> str | None:
    """The Idempotency-Key header. Raises InvalidRequest for an empty or endless one."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= _MAX_FIELD:
        raise InvalidRequest(f"an Idempotency-Key has 1 to {_MAX_FIELD} characters")
    return key


def classification(answer: Classification, *, first_version: bool) -> Response:
    """A Classification as the caller's version wants it."""
    if first_version:
        text = json.dumps(answer.probabilities) if answer.is_parrot else NOT_A_PARROT
        response = Response(text, content_type=_FIRST_VERSION_TYPE)
    else:
        response = _json(
            {
                "parrot": {
                    "is_parrot": answer.is_parrot,
                    "probability": round(answer.parrot_probability, _DECIMALS),
                },
                "species": [
                    {**_species(score.species), "probability": round(score.probability, _DECIMALS)}
                    for score in answer.species
                ],
                "model": {"bundle": answer.bundle, **dict(answer.models)},
                "photo": {
                    "sha256": answer.sha256,
                    "width": answer.width,
                    "height": answer.height,
                },
            }
        )
    response.headers["Server-Timing"] = ", ".join(
        f"{timing.step};dur={timing.milliseconds:.1f}" for timing in answer.timings
    )
    return response


def readiness(bundle: str, models: tuple[str, ...]) -> Response:
    """Everything that an answer needs is there."""
    return _json({"status": "ready", "bundle": bundle, "models": list(models)})


def saved(answer: Saved, *, first_version: bool) -> Response:
    """201 for a new observation, 200 for the same save again."""
    if first_version:
        return Response(SAVED, content_type=_FIRST_VERSION_TYPE)
    response = _json(observation(answer.observation), status=201 if answer.created else 200)
    response.headers["Location"] = f"{BASE_PATH}/observations/{answer.observation.id}"
    return response


def observation(record: Observation) -> dict[str, Any]:
    """An observation's JSON."""
    return {
        "id": record.id,
        "species": record.label.species if record.label else None,
        "index": record.label.index if record.label else None,
        "status": record.status.value,
        "photo": {
            "sha256": record.sha256,
            "media_type": record.media_type,
            "width": record.width,
            "height": record.height,
        },
        "created": record.created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "updated": record.updated.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def _species(species: Species) -> dict[str, Any]:
    return {
        "index": species.index,
        "id": species.id,
        "scientific_name": species.scientific_name,
        "names": {"en": species.english, "ko": species.korean},
        "cites": species.cites or None,
    }


def _json(body: Mapping[str, Any], *, status: int = 200) -> Response:
    return Response(
        json.dumps(body, ensure_ascii=False), status=status, content_type="application/json"
    )


def _limit(request: Request, config: Settings) -> None:
    """Set the body's limits before anything touches it; Flask's own stop a form field at 500 kB."""
    most = config.max_photo_bytes * 4 // 3 + _ROOM_BESIDE_THE_PHOTO
    # Percent-encoded base64 grows once more: '+' and '/' become three characters each.
    if request.mimetype == _FORM:
        most = most * 5 // 4
    request.max_content_length = most
    request.max_form_memory_size = most


def _handler(
    request: Request, methods: Mapping[str, Callable[[Request], Response]]
) -> Callable[[Request], Response]:
    method = "GET" if request.method == "HEAD" else request.method
    if method not in methods:
        raise MethodNotAllowed(request.method, tuple(methods))
    return methods[method]


def _from_form(request: Request) -> tuple[bytes, dict[str, str], bool]:
    """A form's photo, its other fields, and whether it is the first version's form."""
    fields = {name: value[:_MAX_FIELD] for name, value in request.form.items()}
    encoded = request.form.get(_FIRST_VERSION_FIELD)
    if encoded is not None:
        fields.pop(_FIRST_VERSION_FIELD)
        return _base64(encoded, _FIRST_VERSION_FIELD), fields, True
    upload = request.files.get("image")
    if upload is not None:
        return upload.read(), fields, False
    raise InvalidImage("the form has neither a file 'image' nor a field 'b64'", status=400)


def _from_json(body: bytes) -> tuple[bytes, dict[str, str]]:
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("the body is no JSON") from error
    image = raw.pop("image", None) if isinstance(raw, dict) else None
    if not isinstance(image, str):
        raise InvalidImage('the JSON has no "image": "<base64>"', status=400)
    fields = {
        str(name): str(value)[:_MAX_FIELD]
        for name, value in raw.items()
        if isinstance(value, str | int) and not isinstance(value, bool)
    }
    return _base64(image, "image"), fields


def _base64(text: str, field: str) -> bytes:
    """Decode what phones make of base64: line breaks, URL-safe letters, '+' turned to a space."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    compact = text.strip().translate(_URLSAFE).rstrip("=")
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidImage(f"{field} is no base64: {error}", status=400) from error


def _looks_like_image(body: bytes) -> bool:
    """Whether a body that calls itself a form starts like no form can: with a byte of no text."""
    return body[:1] > b"\x7f" or any(byte < _SPACE for byte in body[:12])


def _as_parrot_error(error: Exception) -> ParrotError:
    if isinstance(error, ParrotError):
        if not isinstance(error, RequestError):
            _LOG.error("%s: %s", error.code, error.detail)
        return error
    if isinstance(error, RequestEntityTooLarge):
        # Werkzeug says the same for too many parts; a photo over the limit is by far likelier.
        return PhotoTooLarge(size=None, limit=images.MAX_PHOTO_BYTES)
    if isinstance(error, HTTPException) and error.code is not None and error.code < 500:  # noqa: PLR2004
        return InvalidRequest(error.description or error.name)
    _LOG.error("unexpected", exc_info=error)
    return ParrotError("something went wrong here; it is logged")


def _problem(error: ParrotError) -> Response:
    body = {
        "type": f"{BASE_PATH}/errors#{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
    }
    response = Response(
        json.dumps(body, ensure_ascii=False), status=error.status, content_type=PROBLEM
    )
    if isinstance(error, BackendError | TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(error.allowed)
    return response


def _allow_origin(
    request: Request,
    response: Response,
    origins: tuple[str, ...],
    methods: Mapping[str, Callable[[Request], Response]],
) -> None:
    """CORS without credentials: tokens travel in a header, so `*` gives nobody else's rights."""
    origin = request.headers.get("Origin")
    if origin is None:
        return
    response.headers.add("Vary", "Origin")
    if "*" not in origins and origin not in origins:
        return
    response.headers["Access-Control-Allow-Origin"] = "*" if "*" in origins else origin
    response.headers["Access-Control-Expose-Headers"] = "ETag, Location, Retry-After, Server-Timing"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = ", ".join(methods)
        response.headers["Access-Control-Allow-Headers"] = (
            "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match,"
            " X-Firebase-AppCheck"
        )
        response.headers["Access-Control-Max-Age"] = "3600"
