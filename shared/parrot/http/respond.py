"""One request, one answer: limits, method, errors, CORS and the log line."""

from __future__ import annotations

import io
import logging
import time
from typing import TYPE_CHECKING

from parrot import deadline, logs
from parrot.errors import MethodNotAllowed, NotFound
from parrot.http import answers, caller, problems, request_body, transfer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from flask import Request, Response

    from parrot.budget import Budget
    from parrot.config import Settings

_MOST_METHOD, _MOST_PATH = 10, 200
_LOG = logging.getLogger(__name__)


def respond(
    request: Request,
    start: Callable[[], Settings],
    body_budget: Callable[[], Budget],
    methods: Mapping[str, Callable[[Request], Response]],
    *,
    seconds: float | None = None,
) -> Response:
    """Answer with the method's handler. Every error becomes a problem+json; nothing is raised.

    `start` gets the process ready, its log included, and gives the settings. `body_budget`
    is shared by the bodies of all requests. All calls to neighbours together may take as long as
    the settings say, or `seconds`.
    """
    started = time.perf_counter()
    logs.begin(request.headers.get("X-Cloud-Trace-Context"))
    origins: tuple[str, ...] = ()
    code = None
    try:
        config = start()
        caller.require_own_page(request, config)
        origins = config.cors_origins
        with (
            deadline.within(seconds or config.request_seconds),
            request_body.admitted(request, body_budget()),
        ):
            response = _answer(request, methods)
    except Exception as error:  # noqa: BLE001 - whatever happened, the phone gets an answer
        # functions-framework drains the body after every answer; a refused body stays unread.
        request.stream = io.BytesIO()
        # No name here may keep the error: its frames are cleared, but this one still runs.
        response, code = problems.answer(error)
    _allow_origin(request, response, origins, _allowed(methods))
    logs.note(
        method=request.method[:_MOST_METHOD],
        path=request.path[:_MOST_PATH],  # the query has download tokens
        status=response.status_code,
        code=code,
        response_bytes=response.calculate_content_length(),
        ms=round((time.perf_counter() - started) * 1000, 1),
    )
    _LOG.info("request", extra={"fields": logs.noted()})
    return response


def _answer(request: Request, methods: Mapping[str, Callable[[Request], Response]]) -> Response:
    if request.method == "OPTIONS":
        response = answers.empty()
        response.headers["Allow"] = ", ".join(_allowed(methods))
        return response
    response = _handler(request, methods)(request)
    transfer.fit(request, response)
    return response


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
        "Accept-Ranges, Content-Range, ETag, Location, RateLimit, RateLimit-Policy, Retry-After,"
        " Server-Timing"
    )
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = ", ".join(methods)
        response.headers["Access-Control-Allow-Headers"] = (
            "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, If-Range,"
            " Range, X-Firebase-AppCheck"
        )
        response.headers["Access-Control-Max-Age"] = "3600"
