"""Finish the observation of a photo that was just stored; now and then, finish what was left.

An HTTP function rather than functions-framework's cloud_event, which answers what is not a
CloudEvent with all of its headers, the sender's token among them.
"""

import logging

import functions_framework
from flask import Request, Response

from parrot import events, logs, wiring
from parrot.errors import InvalidRequest, ParrotError
from parrot.http import answers, request_body
from parrot.http.respond import respond

_SECONDS = 300.0  # a sweep takes a minute, and what it began last
_MOST_BYTES = 2**20  # an event holds an object's metadata, at most some kilobytes
_log = logging.getLogger("parrot.process")


@functions_framework.http
def on_saved(request: Request) -> Response:
    """Cloud Functions entry point. An event that is answered with an error is delivered again."""
    return respond(request, wiring.start, wiring.body_budget, {"POST": _receive}, seconds=_SECONDS)


def _receive(request: Request) -> Response:
    event = events.received(dict(request.headers), request_body.read(request, most=_MOST_BYTES))
    if event["type"] == events.SWEEP:
        _sweep()
        return answers.empty()
    try:
        stored = events.stored_photo(event)
    except InvalidRequest as error:  # delivered again, it would be just as malformed
        _log.error("%s", error.detail, extra={"fields": {"event": event["id"]}})
        return answers.empty()
    if stored is None:
        return answers.empty()
    try:
        outcome = wiring.processor().process(stored)
    except ParrotError as error:
        _log.warning("to be delivered again: %s", error.detail, extra={"fields": {"id": stored.id}})
        raise
    logs.note(observation=stored.id, generation=stored.generation, outcome=outcome.value)
    return answers.empty()


def _sweep() -> None:
    swept = wiring.sweeper().sweep()
    logs.note(finished=swept.finished, failed=swept.failed)
