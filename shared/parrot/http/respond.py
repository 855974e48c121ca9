"""One request, one answer: limits, method, errors, CORS, the log line, and how the body travels.

A body travels whole, compressed, in part, or not at all if the caller has it already.
A `Probe` answers whether the function is ready.
"""

from __future__ import annotations

import io
import time
import zlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from werkzeug.exceptions import RequestedRangeNotSatisfiable

from parrot import deadline, logs
from parrot.errors import MethodNotAllowed, NotFound, PreconditionFailed, RangeNotSatisfiable
from parrot.http import answers, caller, problems, transfers
from parrot.http.files import FileResponse
from parrot.http.parameters import BASE_PATH

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from flask import Request, Response

    from parrot.budget import Budget
    from parrot.config import Settings

_PARTS, _NEIGHBOURS = "/ready", "/ready/all"
_MOST_METHOD, _MOST_PATH = 10, 200
_SHORTEST = 1400  # bytes: a shorter body fits one packet, compressed or not
_TEXTS = (
    "text/",
    "application/json",
    "application/javascript",
    "application/manifest+json",
    "image/svg+xml",
)
_GZIP = zlib.MAX_WBITS | 16  # gzip's format; the module `gzip` would be one import more
_SUFFIX = ".gzip"  # of an entity tag: compressed bytes are not the same bytes


@dataclass(frozen=True, slots=True)
class Probe:
    """What a new instance must have, and a new revision must reach, before requests come to it.

    `parts` build what the function's first request needs, `neighbours` ask what it talks to. Only
    the platform and deploy.sh ask: Hosting passes no such path on. An instance starts without its
    neighbours, because an answer of 503 with Retry-After is better than none; a revision that
    cannot reach them gets no traffic. Anybody may call a function's own URL, so asking neighbours
    counts against the caller, by `charge`.
    """

    parts: tuple[Callable[[], object], ...]
    neighbours: tuple[Callable[[], object], ...]
    charge: Callable[[Request], object] = lambda _request: None

    def methods(self, path: str) -> Mapping[str, Callable[[Request], Response]]:
        """The methods of a path; none if it does not ask for readiness."""
        return {"GET": partial(self._answer, path)} if path in {_PARTS, _NEIGHBOURS} else {}

    def _answer(self, path: str, request: Request) -> Response:
        if path == _NEIGHBOURS:
            self.charge(request)
        for need in self.parts if path == _PARTS else (*self.parts, *self.neighbours):
            need()
        return answers.empty()


def route(path: str, resource: str) -> tuple[str, ...] | None:
    """What follows the resource's name; None for a path of something else.

    Hosting passes the whole path on. A function's own URL ends in the function's name, so there the
    path is only what follows it.
    """
    parts = tuple(part for part in path.split("/") if part)
    if resource in parts:
        return parts[parts.index(resource) + 1 :]
    return None if parts[:1] == (BASE_PATH[1:],) else parts


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
    headers = request.headers
    trace = headers.get("traceparent") or headers.get("X-Cloud-Trace-Context")
    request_id = logs.begin(trace, headers.get("X-App-Version"))
    origins: tuple[str, ...] = ()
    code = None
    try:
        config = start()
        caller.require_own_page(request, config)
        origins = config.cors_origins
        transfers.running.threads = config.threads
        request.environ[transfers.ADDRESS] = caller.address(request, config).name
        with (
            deadline.within(seconds or config.request_seconds),
            body_budget().reserve() as reservation,
        ):
            request.environ[transfers.RESERVATION] = reservation
            response = _answer(request, methods)
    except Exception as error:  # noqa: BLE001 - whatever happened, the phone gets an answer
        # functions-framework drains the body after every answer; a refused body stays unread.
        request.stream = io.BytesIO()
        # No name here may keep the error: its frames are cleared, but this one still runs.
        response, code = problems.answer(error)
    response.headers["X-Request-Id"] = request_id
    _allow_origin(request, response, origins, _allowed(methods))
    size = length(response)
    transfers.watch(request, response, size)
    logs.request(
        method=request.method[:_MOST_METHOD],
        path=request.path[:_MOST_PATH],  # the query has download tokens
        status=response.status_code,
        code=code,
        response_bytes=size,
        ms=round((time.perf_counter() - started) * 1000, 1),
    )
    return response


def _answer(request: Request, methods: Mapping[str, Callable[[Request], Response]]) -> Response:
    if request.method == "OPTIONS":
        response = answers.empty()
        response.headers["Allow"] = ", ".join(_allowed(methods))
        return response
    response = _handler(request, methods)(request)
    fit(request, response)
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
        "Accept-Ranges, Content-Range, ETag, Link, Location, RateLimit, RateLimit-Policy,"
        " Retry-After, Server-Timing, X-Request-Id"
    )
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = ", ".join(methods)
        response.headers["Access-Control-Allow-Headers"] = (
            "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, If-Range,"
            " Range, X-App-Version, X-Firebase-AppCheck, traceparent"
        )
        response.headers["Access-Control-Max-Age"] = "3600"


def fit(request: Request, response: Response) -> None:
    """Answer If-Match, If-None-Match, Range and Accept-Encoding.

    A response whose Accept-Ranges is `bytes` can be sent in part; texts are never, so that no part
    is one of a compressed body. Raises PreconditionFailed, RangeNotSatisfiable.
    """
    compress = _is_long_text(response)
    if compress:
        response.vary.add("Accept-Encoding")
        compress = request.accept_encodings.best_match(("gzip", "identity")) == "gzip"
    if request.method in {"GET", "HEAD"}:
        _require_match(request, response)
    if compress:
        _mark_compressed(request, response)
    _make_conditional(request, response)
    if isinstance(response, FileResponse) and request.method == "GET":
        _send_part(response)
    if compress and response.status_code < 300:  # noqa: PLR2004 - 304 has no body
        packer = zlib.compressobj(wbits=_GZIP)
        response.set_data(packer.compress(response.get_data()) + packer.flush())
        response.content_encoding = "gzip"


def length(response: Response) -> int | None:
    """Of the body; None for a stream, which stays unread, of unknown length."""
    if response.content_length is None and response.is_sequence:
        return response.calculate_content_length()
    return response.content_length


def _send_part(response: FileResponse) -> None:
    """Ask the bucket for no more than is sent. Raises TooManyRequests, StoreUnavailable."""
    part = response.content_range
    if response.status_code == 206:  # noqa: PLR2004
        response.send(part.start or 0, part.stop or 0)
    elif response.status_code == 200:  # noqa: PLR2004
        response.send(0, response.content_length or 0)


def _is_long_text(response: Response) -> bool:
    size = length(response)
    text = (response.mimetype or "").startswith(_TEXTS)
    return text and size is not None and size >= _SHORTEST


def _require_match(request: Request, response: Response) -> None:
    """Read only what If-Match names. Raises PreconditionFailed.

    Werkzeug's own check answers without a body, and knows no `*`.
    """
    tag, _ = response.get_etag()
    wanted = request.if_match
    if "If-Match" not in request.headers or tag is None:
        return
    if not wanted.contains(tag) and not wanted.contains(f"{tag}{_SUFFIX}"):
        raise PreconditionFailed("it has changed since: it no longer has the tag of If-Match")


def _mark_compressed(request: Request, response: Response) -> None:
    """Give it the tag of its compressed form, unless the caller has the other one already."""
    tag, _ = response.get_etag()
    if tag is not None and not request.if_none_match.contains_weak(tag):
        response.set_etag(f"{tag}{_SUFFIX}")


def _make_conditional(request: Request, response: Response) -> None:
    """304 for what the caller has, 206 for the part that it asks for.

    Only for one range of bytes, of a GET, of what the caller does not have yet: everything else is
    no reason to refuse the whole. Raises RangeNotSatisfiable.
    """
    environ = dict(request.environ)
    environ.pop("HTTP_IF_MATCH", None)  # answered already
    tag, _ = response.get_etag()
    known = tag is not None and request.if_none_match.contains_weak(tag)
    asked = request.range
    first = asked.ranges[0][0] if asked is not None else 0
    single = asked is not None and asked.units == "bytes" and len(asked.ranges) == 1
    weak = environ.get("HTTP_IF_RANGE", "").startswith("W/")  # Werkzeug would take it for strong
    if known or weak or not single or request.method != "GET":
        environ.pop("HTTP_RANGE", None)
    ranges = response.accept_ranges == "bytes"
    size = length(response) if ranges else None
    if size and -first > size and "HTTP_RANGE" in environ:
        environ["HTTP_RANGE"] = "bytes=0-"  # RFC 9110: more of its end than it has is all of it
    try:
        response.make_conditional(environ, accept_ranges=ranges, complete_length=size)
    except RequestedRangeNotSatisfiable as error:
        raise RangeNotSatisfiable(size or 0) from error
