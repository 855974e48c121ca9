"""List, read, change and delete the user's own observations; download their files; /me.

Hosting also sends unknown paths here, for a 404 that a program can read.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

import functions_framework

from parrot import wiring
from parrot.errors import InvalidRequest, TooManyRequests, Unauthenticated
from parrot.http import answers, caller, files, parameters, rights, submission
from parrot.http.respond import Probe, respond, route
from parrot.observation import Page
from parrot.observations import FILES, ORIGINAL
from parrot.wiring import limits, neighbours, stories

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Request, Response

    from parrot.quota import User

# A list needs no species and no bucket: what else needs them is only asked before traffic moves.
_PROBE = Probe(
    parts=(stories.observations, stories.downloads, neighbours.identity),
    neighbours=(neighbours.species, neighbours.stores_answer),
    charge=limits.charge_stranger,
)
# What reading a person's observations, or looking a hundred photos up, counts as: a large photo.
_LOOKED_UP_BYTES = 8 * 2**20
_MOST_LOOK_UPS = 15  # that figures about thousands count as: half of the default limit is left


@functions_framework.http
def observations(request: Request) -> Response:
    """Cloud Functions entry point."""
    methods = _PROBE.methods(request.path) or _methods(request.path)
    return respond(request, wiring.start, limits.body_budget, methods)


def _methods(path: str) -> Mapping[str, Callable[[Request], Response]]:
    parts = path.split("/")
    if "me" in parts and "observations" not in parts:
        return _OWN.get(route(path, "me") or (), {})
    match route(path, "observations"):
        case ():
            return {"GET": _list}
        case (name,):
            return {
                "GET": partial(_read, name),
                "PATCH": partial(_change, name),
                "DELETE": partial(_delete, name),
            }
        case (name, "similar"):
            return {"GET": partial(_similar, name)}
        case (name, file) if file in (*FILES, ORIGINAL):
            return {"GET": partial(_file, name, file)}
    return {}


def _list(request: Request) -> Response:
    user, size = _user(request), parameters.page_size(request)
    limits.charge_rows(user, size)
    page, token = stories.observations().list(
        user,
        size=size,
        token=request.args.get("page_token") or None,
        species=parameters.species_filter(request, neighbours.species),
        status=parameters.status_filter(request),
    )
    return answers.observations(page, token, _links(request))


def _read(name: str, request: Request) -> Response:
    observation = stories.observations().read(_user(request), parameters.observation_id(name))
    return answers.observation(observation, _links(request))


def _similar(name: str, request: Request) -> Response:
    user, size = _user(request), parameters.page_size(request)
    limits.charge_searches(user)
    rows = stories.observations().similar(user, parameters.observation_id(name), size=size)
    return answers.observations(Page(rows, None), None, _links(request))


def _change(name: str, request: Request) -> Response:
    user = _user(request)
    fields = submission.read_fields(request)
    if unknown := fields.keys() - parameters.CHANGEABLE:
        raise InvalidRequest(
            f"{min(unknown)!r:.40} cannot be changed: send species or index, and text; or training;"
            " or taken and place"
        )
    observation_id = parameters.observation_id(name)
    training, species = parameters.training(fields), None
    if fields.keys() & parameters.LABEL or not fields:
        species = neighbours.species().label(
            index=fields.get("index"), species=fields.get("species")
        )
    text = parameters.label_text(fields)
    allowance = limits.relabel_meter().take(user)
    changed = stories.observations().change(
        user,
        observation_id,
        species,
        text=text,
        training=training,
        sighting=parameters.seen(fields),
        matches=parameters.if_match(request),
    )
    return answers.observation(changed, _links(request), allowance=allowance)


def _delete(name: str, request: Request) -> Response:
    user = _user(request)
    stories.observations().delete(
        user, parameters.observation_id(name), matches=parameters.if_match(request)
    )
    return answers.empty()


def _file(name: str, file: str, request: Request) -> Response:
    """Open with a token in the URL or a login; the original, with its EXIF, only with a login."""
    token = request.args.get("token")
    if token is None or file == ORIGINAL:
        grant, user = None, _user(request)
    else:
        grant = stories.downloads().grant(token, parameters.observation_id(name), file)
        user = grant.user
    stored = stories.observations().file(user, parameters.observation_id(name), file)
    if user.anonymous:  # all phones of the first version
        charge = partial(limits.downloaded().download, caller.address(request, wiring.settings()))
    else:
        charge = partial(limits.charge_bytes, user)
    return files.answer(stored, grant, charge)


def _person(request: Request) -> Response:
    user = _user(request)
    limits.charge_bytes(user, _LOOKED_UP_BYTES)
    summary = stories.takeout().summary(user)
    more = min(summary.statuses.total() // 100, _MOST_LOOK_UPS) * _LOOKED_UP_BYTES
    with contextlib.suppress(TooManyRequests):  # this one is answered, and the next is not
        limits.charge_bytes(user, more)
    return rights.person(user, summary, wiring.settings().receipt_key)


def _export(request: Request) -> Response:
    user = _user(request)
    token = request.args.get("page_token") or None
    limits.charge_bytes(user, _LOOKED_UP_BYTES)  # of those who read nothing, as HEAD does, too
    content, following = stories.takeout().part(user, token)
    origin = _links(request).origin
    url = f"{origin}{parameters.BASE_PATH}/me/export?page_token={following}" if following else None
    return rights.archive(content, url, partial(limits.charge_bytes, user))


def _erase(request: Request) -> Response:
    user, config = _user(request), wiring.settings()
    erasure = stories.eraser().erase(user)
    return rights.erased(erasure, config.receipt_key, account=config.ends_accounts)


_OWN: Mapping[tuple[str, ...], Mapping[str, Callable[[Request], Response]]] = {
    (): {"GET": _person, "DELETE": _erase},
    ("export",): {"GET": _export},
}


def _user(request: Request) -> User:
    user = caller.user(request, wiring.settings(), neighbours.identity, neighbours.app_check)
    if user is None:
        raise Unauthenticated("only signed-in users have observations: sign in")
    return user


def _links(request: Request) -> parameters.Links:
    return parameters.links(request, wiring.settings(), stories.downloads())
