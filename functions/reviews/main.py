"""Show reviewers the photos that people allow to train, and take their decisions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import functions_framework

from parrot import wiring
from parrot.errors import InvalidRequest, NotFound, Unauthenticated
from parrot.http import caller, files, parameters, reviewing, submission
from parrot.http.respond import Probe, respond, route
from parrot.reviews import MOST_COMPARED
from parrot.wiring import limits, neighbours, stories

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Request, Response

    from parrot.quota import User

_HANDLE_LETTERS = 32
_PROBE = Probe(
    parts=(stories.reviews, neighbours.identity),
    neighbours=(neighbours.stores_answer,),
    charge=limits.charge_stranger,
)


@functions_framework.http
def reviews(request: Request) -> Response:
    """Cloud Functions entry point."""
    methods = _PROBE.methods(request.path) or _methods(route(request.path, "reviews"))
    return respond(request, wiring.start, limits.body_budget, methods)


def _methods(path: tuple[str, ...] | None) -> Mapping[str, Callable[[Request], Response]]:
    match path:
        case ():
            return {"GET": _next}
        case ("summary",):
            return {"GET": _summary}
        case (name,):
            return {"POST": partial(_decide, name)}
        case (name, "image"):
            return {"GET": partial(_image, name)}
    return {}


def _next(request: Request) -> Response:
    reviewer, size = _user(request), parameters.page_size(request)
    limits.charge_searches(reviewer, min(size, MOST_COMPARED))
    desk = stories.reviews()
    rows = desk.next(reviewer, size=size)
    return reviewing.page(rows, desk.examples(reviewer, rows))


def _summary(request: Request) -> Response:
    reviewer = _user(request)
    limits.charge_searches(reviewer)  # it looks through as many
    return reviewing.summary(*stories.reviews().summary(reviewer))


def _decide(name: str, request: Request) -> Response:
    reviewer = _user(request)
    fields = submission.read_fields(request)
    if fields.keys() != {"species"}:
        raise InvalidRequest("send species, and nothing else")
    limits.relabel_meter().take(reviewer)
    decided = stories.reviews().decide(reviewer, _handle(name), fields["species"])
    return reviewing.review(decided)


def _image(name: str, request: Request) -> Response:
    """Only with a login: a URL with a token would tell whose it is."""
    reviewer = _user(request)
    stored = stories.reviews().image(reviewer, _handle(name))
    return files.answer(stored, None, partial(limits.charge_bytes, reviewer))


def _handle(text: str) -> str:
    if len(text) != _HANDLE_LETTERS or not text.isalnum():
        raise NotFound(f"there is nothing to review under {text!r:.80}")
    return text


def _user(request: Request) -> User:
    user = caller.user(request, wiring.settings(), neighbours.identity, neighbours.app_check)
    if user is None:
        raise Unauthenticated("only reviewers may call this: sign in")
    return user
