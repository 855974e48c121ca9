"""Finish the observation of a photo that was just stored; on a schedule, finish what was left.

The observation of a photo that was deleted in the bucket goes with it.

An HTTP function rather than functions-framework's cloud_event, which echoes all headers of a
request that is not a CloudEvent, the sender's token included.
"""

import logging

import functions_framework
from flask import Request, Response

from parrot import events, logs, wiring
from parrot.errors import InvalidRequest, ParrotError
from parrot.http import answers, transfers
from parrot.http.respond import Probe, respond
from parrot.wiring import limits, neighbours, stories

_SECONDS = 300.0  # a sweep takes a minute, plus the photo that it began last
_MOST_BYTES = 2**20  # an event has an object's metadata, a few kilobytes at most
_PROBE = Probe(
    parts=(stories.processor,),
    neighbours=(neighbours.stores_answer, lambda: stories.classifier().versions()),
)
_log = logging.getLogger("parrot.process")


@functions_framework.http
def on_saved(request: Request) -> Response:
    """Cloud Functions entry point. Events answered with an error are delivered again."""
    methods = _PROBE.methods(request.path) or {"POST": _receive}
    return respond(request, wiring.start, limits.body_budget, methods, seconds=_SECONDS)


def _receive(request: Request) -> Response:
    logs.sent_by(logs.SAVED)
    event = events.received(dict(request.headers), transfers.read(request, most=_MOST_BYTES))
    if event["type"] == events.SWEEP:
        swept = stories.sweeper().sweep()
        logs.note(finished=swept.finished, failed=swept.failed)
        return answers.empty()
    try:
        stored, deleted = events.stored_photo(event), events.deleted_photo(event)
    except InvalidRequest as error:  # a retry would be just as malformed
        _log.error("%s", error.detail, extra={"fields": {"event": event["id"]}})
        return answers.empty()
    photo = stored or deleted
    if photo is None:
        return answers.empty()
    try:
        if deleted:
            outcome = "deleted" if stories.observations().follow(deleted) else "ignored"
        else:
            outcome = stories.processor().process(photo).value
    except ParrotError as error:
        _log.warning("will be retried: %s", error.detail, extra={"fields": {"id": photo.id}})
        raise
    logs.note(observation=photo.id, generation=photo.generation, outcome=outcome)
    return answers.empty()
