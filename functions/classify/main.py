"""POST a photo to get the verdict and the species; GET reports whether everything is ready."""

import functions_framework
from flask import Request, Response

from parrot import wiring
from parrot.errors import Unauthenticated
from parrot.http import answers, caller, parameters, submission
from parrot.http.respond import Probe, respond, route
from parrot.model.decision import joined
from parrot.wiring import limits, neighbours, stories

_PROBE = Probe(
    parts=(stories.cached_classifier,),
    neighbours=(lambda: stories.classifier().versions(),),
    charge=limits.charge_stranger,
)


@functions_framework.http
def classify(request: Request) -> Response:
    """Cloud Functions entry point."""
    own = {"POST": _classify, "GET": _ready} if route(request.path, "classify") == () else {}
    methods = _PROBE.methods(request.path) or own
    return respond(request, wiring.start, limits.body_budget, methods)


def _classify(request: Request) -> Response:
    settings = wiring.settings()
    user = caller.user(request, settings, neighbours.identity, neighbours.app_check)
    if user is None and settings.require_auth:
        raise Unauthenticated("this deployment classifies only for signed-in users")
    visitor, allowance = caller.visitor(request, settings, user), None
    if user is None:  # before a byte of the body is read
        allowance = limits.visitors().take(visitor)
    top = parameters.top(request)
    with limits.cpu_seconds().billed(visitor):
        sent = submission.read_photos(request, max_bytes=settings.max_photo_bytes)
        more = len(sent.photos) - 1
        if user is not None:
            allowance = limits.classify_meter().take(user, 1 + more)
        elif more:
            allowance = limits.visitors().take(visitor, more)
        classifier = stories.cached_classifier()
        each = classifier.classify_each(sent.photos)
        if more:
            return answers.joint_classification(joined(classifier.bundle, each), allowance, top=top)
        return answers.classification(each[0], allowance, top=top, first_version=sent.first_version)


def _ready(request: Request) -> Response:
    limits.charge_stranger(request)
    classifier = stories.classifier()
    return answers.readiness(classifier.bundle.manifest.version, classifier.versions())
