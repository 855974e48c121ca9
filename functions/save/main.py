"""POST a photo and the species that the user chose to get an observation."""

import functions_framework
from flask import Request, Response

from parrot import wiring
from parrot.errors import Unauthenticated
from parrot.http import answers, caller, parameters, submission
from parrot.http.readiness import Readiness
from parrot.http.respond import respond, route
from parrot.quota import ANONYMOUS_UID, User

_READINESS = Readiness(
    parts=(wiring.species, wiring.saver, wiring.downloads, wiring.identity),
    neighbours=(wiring.stores_answer,),
)


@functions_framework.http
def save(request: Request) -> Response:
    """Cloud Functions entry point."""
    methods = _READINESS.methods(request.path)
    if methods is None:
        methods = {"POST": _save} if route(request.path, "save") == () else {}
    return respond(request, wiring.start, wiring.body_budget, methods)


def _save(request: Request) -> Response:
    settings = wiring.settings()
    user = caller.user(request, settings, wiring.identity, wiring.app_check)
    if user is None:
        if not settings.allow_anonymous_save:
            raise Unauthenticated("only signed-in users can save: sign in")
        user = User(ANONYMOUS_UID, anonymous=True)
    key = parameters.idempotency_key(request)
    with wiring.cpu_seconds().billed(caller.spender(request, settings, user)):
        sent = submission.read_photos(request, max_bytes=settings.max_photo_bytes, most=1)
        species = wiring.species().label(
            index=sent.fields.get("index"), species=sent.fields.get("species")
        )
        saved = wiring.saver().save(
            sent.photos[0],
            species,
            user,
            text=parameters.label_text(sent.fields),
            training=parameters.training(sent.fields),
            sighting=parameters.seen(sent.fields),
            key=key,
        )
    links = parameters.links(request, settings, wiring.downloads())
    return answers.saved(saved, links, first_version=sent.first_version)
