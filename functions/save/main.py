"""POST a photo and the species that the user chose to get an observation."""

import functions_framework
from flask import Request, Response

from parrot import wiring
from parrot.errors import Unauthenticated
from parrot.http import answers, caller, parameters, submission
from parrot.http.respond import Probe, respond, route
from parrot.quota import ANONYMOUS_UID, User
from parrot.wiring import limits, neighbours, stories

_PROBE = Probe(
    parts=(neighbours.species, stories.saver, stories.downloads, neighbours.identity),
    neighbours=(neighbours.stores_answer,),
    charge=limits.charge_stranger,
)


@functions_framework.http
def save(request: Request) -> Response:
    """Cloud Functions entry point."""
    own = {"POST": _save} if route(request.path, "save") == () else {}
    methods = _PROBE.methods(request.path) or own
    return respond(request, wiring.start, limits.body_budget, methods)


def _save(request: Request) -> Response:
    settings = wiring.settings()
    user = caller.user(request, settings, neighbours.identity, neighbours.app_check)
    if user is None:
        if not settings.allow_anonymous_save:
            raise Unauthenticated("only signed-in users can save: sign in")
        user = User(ANONYMOUS_UID, anonymous=True)
    key = parameters.idempotency_key(request)
    with limits.cpu_seconds().billed(caller.visitor(request, settings, user)):
        sent = submission.read_photos(request, max_bytes=settings.max_photo_bytes, most=1)
        species = neighbours.species().label(
            index=sent.fields.get("index"), species=sent.fields.get("species")
        )
        saved = stories.saver().save(
            sent.photos[0],
            species,
            user,
            text=parameters.label_text(sent.fields),
            training=parameters.training(sent.fields),
            sighting=parameters.seen(sent.fields),
            key=key,
        )
    links = parameters.links(request, settings, stories.downloads())
    return answers.saved(saved, links, first_version=sent.first_version)
