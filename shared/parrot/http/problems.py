"""From errors to application/problem+json (RFC 9457)."""

from __future__ import annotations

import json
import logging
import traceback
from typing import NotRequired, TypedDict

from flask import Response
from werkzeug.exceptions import HTTPException

from parrot.errors import (
    BackendError,
    DeploymentError,
    InvalidRequest,
    MethodNotAllowed,
    ParrotError,
    RangeNotSatisfiable,
    RequestError,
    TooManyRequests,
    Unauthenticated,
)
from parrot.http.parameters import BASE_PATH

PROBLEM = "application/problem+json"
_MISCONFIGURED = "this service is misconfigured; its log says how"
_LOG = logging.getLogger(__name__)


class Problem(TypedDict):
    """Every error (RFC 9457). Programs read `code`; `detail` is for people.

    `photo` says which of several photos it is about, counted from 1; `observation` has the id of
    the observation that is in the way.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    photo: NotRequired[int]
    observation: NotRequired[str]


def answer(error: Exception) -> tuple[Response, str]:
    """The response to an error, and its code. Frees what the error's frames hold."""
    problem = as_parrot_error(error)
    _clear_frames(error)
    return response_for(problem), problem.code


def _clear_frames(error: BaseException) -> None:
    """Clear the frames of an error and of those before it.

    Parsers and clients keep their errors; error, traceback and frame are then a cycle that would
    hold a photo's bytes and pixels until the collector runs, and hostile ones add up until then.
    """
    chain: list[BaseException | None] = [error]
    seen: set[int] = set()
    while chain:
        link = chain.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        traceback.clear_frames(link.__traceback__)
        chain += [link.__cause__, link.__context__]


def as_parrot_error(error: Exception) -> ParrotError:
    """The error as one of this project's own; unexpected ones are logged."""
    if isinstance(error, ParrotError):
        if not isinstance(error, RequestError):
            _LOG.error("%s: %s", error.code, error.detail)
        return error
    if isinstance(error, HTTPException) and error.code is not None and error.code < 500:  # noqa: PLR2004
        return InvalidRequest(error.description or error.name)
    _LOG.error("unexpected", exc_info=error)
    return ParrotError("something went wrong on our side; it has been logged")


def response_for(error: ParrotError) -> Response:
    """An error as problem+json, with the headers that belong to it."""
    body = Problem(
        type=f"{BASE_PATH}/errors#{error.code}",
        title=error.title,
        status=error.status,
        # The details of a deployment error belong in the log, not in every answer.
        detail=_MISCONFIGURED if isinstance(error, DeploymentError) else error.detail,
        code=error.code,
    )
    if isinstance(error, RequestError):
        if error.photo is not None:
            body["photo"] = error.photo
            body["detail"] = f"photo {error.photo}: {error.detail}"
        if error.observation is not None:
            body["observation"] = error.observation
    response = Response(
        json.dumps(body, ensure_ascii=False), status=error.status, content_type=PROBLEM
    )
    if isinstance(error, BackendError | TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, TooManyRequests):
        response.headers["RateLimit-Policy"] = f'"{error.quota}";q={error.limit};w={error.seconds}'
        response.headers["RateLimit"] = f'"{error.quota}";r=0;t={error.retry_after}'
    if isinstance(error, RangeNotSatisfiable):
        response.headers["Content-Range"] = f"bytes */{error.size}"
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(error.allowed)
    return response
