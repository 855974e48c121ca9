"""One request, one answer: limits, method, errors, CORS and the log line."""

from __future__ import annotations

import io
import logging
import time
from typing import TYPE_CHECKING

from parrot import logs
from parrot.errors import MethodNotAllowed, NotFound
from parrot.http import answers, problems
from parrot.http.submission import FORM

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from flask import Request, Response

    from parrot.config import Settings

_ROOM_BESIDE_THE_PHOTO = 64 * 1024
_LOG = logging.getLogger(__name__)


def respond(
    request: Request,
    start: Callable[[], Settings],
    methods: Mapping[str, Callable[[Request], Response]],
) -> Response:
    """Answer with the method's handler. Every error becomes a problem+json; nothing is raised.

    `start` gets the process ready, its log included, and gives the settings.
    """
    started = time.perf_counter()
    logs.remember_trace(request.headers.get("X-Cloud-Trace-Context"))
    origins: tuple[str, ...] = ()
    code = None
    try:
        config = start()
        origins = config.cors_origins
        _limit(request, config)
        if request.method == "OPTIONS":
            response = answers.empty()
            response.headers["Allow"] = ", ".join(_allowed(methods))
        else:
            response = _handler(request, methods)(request)
            response.make_conditional(request)
    except Exception as error:  # noqa: BLE001 - whatever happened, the phone gets an answer
        # functions-framework drains the body after every answer; a refused body stays unread.
        request.stream = io.BytesIO()
        problem = problems.as_parrot_error(error, request)
        code = problem.code
        response = problems.response_for(problem)
    _allow_origin(request, response, origins, _allowed(methods))
    _LOG.info(
        "%s %s %d",
        request.method,
        request.path,
        response.status_code,
        extra={"fields": {"code": code, "ms": round((time.perf_counter() - started) * 1000, 1)}},
    )
    return response


def _limit(request: Request, config: Settings) -> None:
    """Set the body's limits before anything reads it; Flask's own stop a form field at 500 kB."""
    most = config.max_photo_bytes * 4 // 3 + _ROOM_BESIDE_THE_PHOTO
    # Percent-encoded base64 is longer still: '+' and '/' become three characters each.
    if request.mimetype == FORM:
        most = most * 5 // 4
    request.max_content_length = most
    request.max_form_memory_size = most


def _handler(
    request: Request, methods: Mapping[str, Callable[[Request], Response]]
) -> Callable[[Request], Response]:
    method = "GET" if request.method == "HEAD" else request.method
    if not methods:
        raise NotFound("there is nothing at this path")
    if method not in methods:
        raise MethodNotAllowed(request.method, _allowed(methods))
    return methods[method]


def _allowed(methods: Collection[str]) -> tuple[str, ...]:
    """Every method that is answered: GET answers HEAD too, and OPTIONS always works."""
    head = ("HEAD",) if "GET" in methods else ()
    return (*methods, *head, "OPTIONS")


def _allow_origin(
    request: Request,
    response: Response,
    origins: tuple[str, ...],
    methods: tuple[str, ...],
) -> None:
    """CORS without credentials: tokens travel in a header, so `*` gives no site a user's rights."""
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
