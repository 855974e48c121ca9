"""Finish the observation of a photo that was just stored."""

import logging

import functions_framework
from cloudevents.http import CloudEvent

from parrot import events, wiring
from parrot.errors import InvalidRequest, ParrotError

_log = logging.getLogger("parrot.process")


@functions_framework.cloud_event
def on_saved(event: CloudEvent) -> None:
    """Cloud Functions entry point. If it raises, the event is delivered again."""
    wiring.start()
    try:
        stored = events.stored_photo(event)
    except InvalidRequest as error:
        _log.error("%s", error.detail, extra={"fields": {"event": event["id"]}})
        return
    if stored is None:
        return
    try:
        outcome = wiring.processor().process(stored)
    except ParrotError as error:
        _log.warning("to be delivered again: %s", error.detail, extra={"fields": {"id": stored.id}})
        raise
    fields = {"id": stored.id, "generation": stored.generation, "outcome": outcome.value}
    _log.info("processed", extra={"fields": fields})
