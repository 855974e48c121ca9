"""Events as the function `process` gets them: useless, overdue, or no events at all."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from cloudevents.conversion import to_structured
from cloudevents.http import CloudEvent

from local import stack
from parrot.adapters.sqlite import SqliteObservations
from parrot.events import SWEEP
from tests.support.events import event
from tests.support.observations import observation
from tests.support.phone import Phone


def test_events_that_can_never_succeed_are_acknowledged(running: stack.Running) -> None:
    """Otherwise Eventarc repeats them for a day."""
    url = running.urls["process"]
    gone: dict[str, Any] = {"bucket": stack.BUCKET, "name": "photos/process-none/gone"}
    wrong: list[dict[str, Any]] = [{"generation": "x"}, {"name": 1}, {"name": "index/1.jpg"}]
    for changes in ({}, {"bucket": "b"}, *wrong):
        headers, body = to_structured(event(**gone | changes))
        assert requests.post(url, body, headers=headers, timeout=30).status_code == 204, changes
    assert Phone(running.url, "process-none").observations(page_size=50) == []


def test_what_is_not_an_event_is_refused_without_an_echo(running: stack.Running) -> None:
    """functions-framework itself would send all headers back, tokens among them."""
    url = running.urls["process"]
    secret = {"Authorization": "Bearer secret", "Content-Type": "application/cloudevents+json"}
    for body in (b"", b"{}", b"<html>"):
        answer = requests.post(url, body, headers=secret, timeout=30)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
        assert "secret" not in answer.text
    assert requests.get(url, timeout=30).status_code == 405
    assert requests.post(url, b"x" * (2**20 + 1), timeout=30).status_code == 413


def test_a_sweep_finishes_what_was_left(running: stack.Running, data: Path, ana: Phone) -> None:
    """Cloud Scheduler's event; here for a photo that never came."""
    long_ago = datetime.now(UTC) - timedelta(minutes=11)
    old = replace(observation(uid=ana.user), created=long_ago, updated=long_ago)
    SqliteObservations(data / "observations.db").create(old)
    headers, body = to_structured(CloudEvent({"type": SWEEP, "source": "test"}))
    url = running.urls["process"]
    assert requests.post(url, body, headers=headers, timeout=60).status_code == 204
    (never,) = ana.all_settled()
    assert (never["status"], never["reason"]) == ("rejected", "the photo never arrived")
