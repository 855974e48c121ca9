"""Flask requests to records and records to responses; errors to application/problem+json."""

from __future__ import annotations

import io
import json
import logging
import re
import time
from typing import TYPE_CHECKING, Protocol

from flask import Response
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from parrot import logs
from parrot.answers import Links
from parrot.errors import (
    BackendError,
    DeploymentError,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    ParrotError,
    PhotoTooLarge,
    RequestError,
    TooManyRequests,
    Unauthenticated,
)
from parrot.observations import version
from parrot.records import Status
from parrot.submission import FORM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Request

    from parrot.config import Settings
    from parrot.downloads import Downloads
    from parrot.records import Observation, User

_OURS = "this service is not set up right; its log says how"
_NUMBER = re.compile(r"[0-9]{1,6}")
_LOG = logging.getLogger(__name__)

BASE_PATH = "/parrot-classifier"
PROBLEM = "application/problem+json"
DEFAULT_TOP = 5
_MOST_TOP = 1000
DEFAULT_PAGE = 20
_LARGEST_PAGE = 100
_ROOM_BESIDE_THE_PHOTO = 64 * 1024
_MAX_FIELD = 200
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


class Identity(Protocol):
    """Who stands behind a bearer token."""

    def user(self, token: str) -> User:
        """Raises Unauthenticated, IdentityUnavailable."""


class AppCheck(Protocol):
    """Whether the project's own app is asking."""

    def check(self, token: str) -> None:
        """Raises Unauthenticated, IdentityUnavailable."""


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
            response.make_conditional(request)
    except Exception as error:  # noqa: BLE001 - the border: whatever happened, the phone gets an answer
        # functions-framework drains the body after every answer; what was refused stays unread.
        request.stream = io.BytesIO()
        problem = _as_parrot_error(error, request)
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


def user(request: Request, identity: Callable[[], Identity]) -> User | None:
    """Who asks; None for nobody. Raises Unauthenticated for credentials that are no good."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("the Authorization header is no 'Bearer <token>'")
    return identity().user(token.strip())


def attest(request: Request, config: Settings, app_check: Callable[[], AppCheck]) -> None:
    """Where the deployment says so, let nobody in but the project's own apps.

    Raises Unauthenticated.
    """
    if config.require_app_check:
        token = request.headers.get("X-Firebase-AppCheck")
        if not token:
            raise Unauthenticated("this deployment wants an X-Firebase-AppCheck token")
        app_check().check(token)


def route(path: str, resource: str) -> tuple[str, ...]:
    """What follows the resource's name, or all of a path that does not name it.

    Hosting passes the whole path on, a function's own URL ends in the function's name.
    """
    parts = tuple(part for part in path.split("/") if part)
    if resource in parts:
        parts = parts[parts.index(resource) + 1 :]
    return parts


def observation_id(text: str) -> str:
    """An id as this service makes them. Raises NotFound."""
    if not _ID.fullmatch(text):
        raise NotFound(f"you have no observation {text!r:.80}")
    return text


def links(request: Request, config: Settings, downloads: Downloads) -> Links:
    """URLs as this caller can reach them: behind Hosting, its host and not the function's own."""
    root = config.public_url
    if root is None:
        scheme = request.headers.get("X-Forwarded-Proto", request.scheme).partition(",")[0]
        host = request.headers.get("X-Forwarded-Host", request.host).partition(",")[0].strip()
        root = f"{'https' if scheme.strip() == 'https' else 'http'}://{host}"
    return Links(root.rstrip("/"), f"{BASE_PATH}/observations", downloads)


def if_match(request: Request) -> Callable[[Observation], bool]:
    """The If-Match header as a question to the stored observation.

    An ETag's end, after the dot, tells of the download URLs: their age contradicts no change.
    """
    if "If-Match" not in request.headers or request.if_match.star_tag:
        return lambda _stored: True
    # Werkzeug makes None of an empty tag; it is nobody's.
    tags = request.if_match.as_set(include_weak=True)
    wanted = {tag.partition(".")[0] for tag in tags if tag}
    return lambda stored: version(stored) in wanted


def page_size(request: Request) -> int:
    """`?page_size=`. Raises InvalidRequest."""
    return _number(request, "page_size", DEFAULT_PAGE, _LARGEST_PAGE)


def status_filter(request: Request) -> Status | None:
    """`?status=`. Raises InvalidRequest."""
    text = request.args.get("status")
    if text is None:
        return None
    visible = {status.value for status in Status} - {Status.DELETING.value}
    if text not in visible:
        raise InvalidRequest(f"status={text!r:.40} is not one of {', '.join(sorted(visible))}")
    return Status(text)


def species_filter(request: Request) -> str | None:
    """`?species=`. Raises InvalidRequest."""
    text = request.args.get("species")
    if text is not None and not 1 <= len(text) <= _MAX_FIELD:
        raise InvalidRequest(f"species has 1 to {_MAX_FIELD} characters")
    return text


def top(request: Request) -> int:
    """`?top=`: how many species. Raises InvalidRequest."""
    return _number(request, "top", DEFAULT_TOP, _MOST_TOP)


def idempotency_key(request: Request) -> str | None:
    """The Idempotency-Key header. Raises InvalidRequest for an empty or endless one."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= _MAX_FIELD:
        raise InvalidRequest(f"an Idempotency-Key has 1 to {_MAX_FIELD} characters")
    return key


def _limit(request: Request, config: Settings) -> None:
    """Set the body's limits before anything touches it; Flask's own stop a form field at 500 kB."""
    most = config.max_photo_bytes * 4 // 3 + _ROOM_BESIDE_THE_PHOTO
    # Percent-encoded base64 grows once more: '+' and '/' become three characters each.
    if request.mimetype == FORM:
        most = most * 5 // 4
    request.max_content_length = most
    request.max_form_memory_size = most


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.args.get(name, str(default))
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        raise InvalidRequest(f"{name}={text!r:.20} is no number from 1 to {most}")
    return int(text)


def _handler(
    request: Request, methods: Mapping[str, Callable[[Request], Response]]
) -> Callable[[Request], Response]:
    method = "GET" if request.method == "HEAD" else request.method
    if not methods:
        raise NotFound("there is nothing at this path")
    if method not in methods:
        raise MethodNotAllowed(request.method, tuple(methods))
    return methods[method]


def _as_parrot_error(error: Exception, request: Request) -> ParrotError:
    if isinstance(error, ParrotError):
        if not isinstance(error, RequestError):
            _LOG.error("%s: %s", error.code, error.detail)
        return error
    if isinstance(error, RequestEntityTooLarge):
        limit = request.max_content_length or 0
        if request.content_length is not None and request.content_length <= limit:
            return InvalidRequest("the form has too many parts")  # Werkzeug says 413 of this too
        return PhotoTooLarge(size=request.content_length, limit=limit)
    if isinstance(error, HTTPException) and error.code is not None and error.code < 500:  # noqa: PLR2004
        return InvalidRequest(error.description or error.name)
    _LOG.error("unexpected", exc_info=error)
    return ParrotError("something went wrong here; it is logged")


def _problem(error: ParrotError) -> Response:
    body = {
        "type": f"{BASE_PATH}/errors#{error.code}",
        "title": error.title,
        "status": error.status,
        # What is wrong with a deployment is for its log, not for everybody.
        "detail": _OURS if isinstance(error, DeploymentError) else error.detail,
        "code": error.code,
    }
    response = Response(
        json.dumps(body, ensure_ascii=False), status=error.status, content_type=PROBLEM
    )
    if isinstance(error, BackendError | TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, TooManyRequests):
        response.headers["RateLimit-Policy"] = f'"{error.quota}";q={error.limit};w={error.seconds}'
        response.headers["RateLimit"] = f'"{error.quota}";r=0;t={error.retry_after}'
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
    response.headers["Access-Control-Expose-Headers"] = (
        "ETag, Location, RateLimit, RateLimit-Policy, Retry-After, Server-Timing"
    )
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = ", ".join(methods)
        response.headers["Access-Control-Allow-Headers"] = (
            "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match,"
            " X-Firebase-AppCheck"
        )
        response.headers["Access-Control-Max-Age"] = "3600"
