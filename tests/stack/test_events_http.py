"""Events as the function `process` gets them: true, forged, overdue, or no events at all."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests
from cloudevents.conversion import to_structured
from cloudevents.http import CloudEvent
from google.cloud.storage import Bucket

from local import events, stack
from parrot.adapters.sqlite import SqliteObservations
from parrot.events import SWEEP
from parrot.observation import photo_name
from tests.support.observations import observation
from tests.support.phone import Phone
from tests.support.photos import encoded, noise


def test_events_that_can_never_succeed_are_acknowledged(running: stack.Running) -> None:
    """Otherwise Eventarc repeats them for a day."""
    url = running.urls["process"]
    resource = {
        "bucket": stack.BUCKET,
        "name": "photos/process-none/gone",
        "generation": 1,
        "size": 1,
        "timeCreated": "2026-11-23T12:00:00Z",
    }
    for changes in ({}, {"generation": "x"}, {"name": 1}, {"name": "index/1.jpg"}, {"bucket": "b"}):
        headers, body = to_structured(events.cloud_event({**resource, **changes}))
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


def test_a_forged_event_rejects_no_good_photo(running: stack.Running, bucket: Bucket) -> None:
    """What counts is what the bucket says about the photo."""
    url = running.urls["process"]
    saved = Phone(running.url, "process-forged").send(encoded(noise(seed=46)))
    blob = bucket.get_blob(f"photos/process-forged/{saved['id']}")
    assert blob is not None
    resource = {"bucket": stack.BUCKET, "name": blob.name, "timeCreated": "0001-01-01T00:00:00Z"}
    for lie in ({"generation": blob.generation, "size": 2**60}, {"generation": 1, "size": "0"}):
        headers, body = to_structured(events.cloud_event({**resource, **lie}))
        assert requests.post(url, body, headers=headers, timeout=30).status_code == 204
    (done,) = Phone(running.url, "process-forged").all_settled()
    assert done["status"] == "needs_review"


def test_a_sweep_finishes_what_was_left(running: stack.Running, data: Path, bucket: Bucket) -> None:
    """Cloud Scheduler's event: a photo whose event was lost, and one that never came."""
    url = running.urls["process"]
    long_ago = datetime.now(UTC) - timedelta(minutes=11)
    store = SqliteObservations(data / "observations.db")
    for number, uid in ((1, "process-swept"), (2, "process-never")):
        old = observation(number, uid)
        name = f"{uuid.uuid4()}"
        old = replace(old, id=name, object_name=photo_name(uid, name))
        store.create(replace(old, created=long_ago, updated=long_ago))
        if number == 1:
            bucket.blob(old.object_name).upload_from_string(
                encoded(noise(seed=47)), content_type="image/jpeg"
            )
    headers, body = to_structured(CloudEvent({"type": SWEEP, "source": "test"}))
    assert requests.post(url, body, headers=headers, timeout=60).status_code == 204
    assert [one["status"] for one in Phone(running.url, "process-swept").all_settled()] == [
        "needs_review"
    ]
    (never,) = Phone(running.url, "process-never").all_settled()
    assert (never["status"], never["reason"]) == ("rejected", "the photo never arrived")
