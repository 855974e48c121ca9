"""Send functions/process its CloudEvents: notifications from storage, and the time to sweep.

fake-gcs-server publishes to Pub/Sub, so this implements the part of Pub/Sub that its client needs.
As Eventarc does, events are sent again until the function acknowledges them. They are kept in
memory only: at the start, `missed` compares the bucket with the observations, which also finds what
the storage server had no time to publish.
"""

import contextlib
import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import grpc
import requests
from cloudevents.conversion import to_structured
from cloudevents.http import CloudEvent
from google.api_core.exceptions import GoogleAPIError, NotFound
from google.cloud.storage import Bucket, Client
from google.pubsub_v1.types import PublishRequest, PublishResponse

from parrot.adapters.sqlite import SqliteObservations
from parrot.errors import StoreUnavailable
from parrot.events import DELETED, FINALIZED, SWEEP, stored_photo
from parrot.observation import DERIVED, PHOTOS, Status, photo_name
from parrot.store import ObservationStore

_THREADS = 8
_WORKERS = 4
_FIRST_SECONDS, _LONGEST_SECONDS = 0.1, 5.0  # Eventarc waits 10 to 600 s, too long for development
_DOUBLINGS = 10
_TIMEOUT_SECONDS = 120.0
_AGAIN_SECONDS = 0.2
_SWEEP_SECONDS = 60.0
_KINDS = {"OBJECT_FINALIZE": FINALIZED, "OBJECT_DELETE": DELETED}
_log = logging.getLogger(__name__)


def cloud_event(resource: dict[str, Any], kind: str = FINALIZED) -> CloudEvent:
    """The event that Eventarc sends for an object's JSON resource."""
    attributes = {
        "type": kind,
        "source": f"//storage.googleapis.com/projects/_/buckets/{resource['bucket']}",
        "subject": f"objects/{resource['name']}",
        "time": resource["timeCreated"],
    }
    return CloudEvent(attributes, resource)


@contextmanager
def publisher(port: int, accept: Callable[[CloudEvent], None]) -> Iterator[None]:
    """Serve Pub/Sub's Publish on 127.0.0.1 and pass every notification to `accept`."""

    def publish(request: PublishRequest, _context: grpc.ServicerContext) -> PublishResponse:
        ids = []
        for message in request.messages:
            kind = _KINDS.get(message.attributes["eventType"])
            event = cloud_event(json.loads(message.data), kind or FINALIZED)
            ids.append(event["id"])
            if kind is not None:
                accept(event)
        return PublishResponse(message_ids=ids)

    method = grpc.unary_unary_rpc_method_handler(
        publish, PublishRequest.deserialize, PublishResponse.serialize
    )
    server = grpc.server(ThreadPoolExecutor(_THREADS))
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("google.pubsub.v1.Publisher", {"Publish": method}),)
    )
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield
    finally:
        server.stop(None).wait()


def pause(tries: int) -> float:
    """Seconds until the next try after this many; `tries` is capped because 2.0**1024 overflows."""
    return min(_FIRST_SECONDS * 2.0 ** min(tries, _DOUBLINGS), _LONGEST_SECONDS)


class Delivery:
    """Accepts events at once, delivers them in any order, and loses none while it runs."""

    def __init__(self, url: str, *, workers: int = _WORKERS) -> None:
        """`url` is the function's; at most `workers` events are delivered at the same time."""
        self._url = url
        self._pool = ThreadPoolExecutor(workers, "delivery")
        self._unfinished = 0
        self._changed = threading.Condition()
        self._stopped = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Drop what was not acknowledged; `missed` finds it again."""
        self._stopped.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def accept(self, event: CloudEvent) -> None:
        """Deliver it soon; returns at once."""
        with self._changed:
            self._unfinished += 1
        self._pool.submit(self._deliver, event, 0)

    def finished(self, timeout: float) -> bool:
        """Wait until everything that was accepted is acknowledged."""
        with self._changed:
            return self._changed.wait_for(lambda: self._unfinished == 0, timeout)

    def _deliver(self, event: CloudEvent, tries: int) -> None:
        """Send it; after a failure, wait and put it behind all others."""
        problem = self._send(event)
        if problem is None:
            with self._changed:
                self._unfinished -= 1
                self._changed.notify_all()
            return
        seconds = pause(tries)
        name = event["subject"].rpartition("/")[2]  # the folder before it names a person
        _log.warning("%s: %s; retrying in %.1f s", name, problem, seconds)
        if not self._stopped.wait(seconds):
            with contextlib.suppress(RuntimeError):  # it was stopped in this very moment
                self._pool.submit(self._deliver, event, tries + 1)

    def _send(self, event: CloudEvent) -> str | None:
        """None if it was acknowledged, otherwise what went wrong."""
        headers, body = to_structured(event)
        try:
            response = requests.post(self._url, body, headers=headers, timeout=_TIMEOUT_SECONDS)
        except requests.RequestException as error:
            return type(error).__name__
        return None if response.ok else f"status {response.status_code}"


def missed(bucket: Bucket, observations: ObservationStore) -> Iterator[CloudEvent]:
    """Events that the function still needs but that may never be sent again.

    These are photos without an observation of their generation, and derived files of a deleted
    observation, which the function removes when it gets an event for the deleted photo.
    """
    for blob in bucket.list_blobs(prefix=PHOTOS):
        event = cloud_event(blob._properties)  # noqa: SLF001 - the resource as received
        photo = stored_photo(event)
        if photo is not None:
            known = observations.get(photo.uid, photo.id)
            if known is None or known.generation != str(photo.generation):
                yield event
    derived = {tuple(blob.name.split("/")[1:3]) for blob in bucket.list_blobs(prefix=DERIVED)}
    for uid, observation_id in derived:
        known = observations.get(uid, observation_id)
        if known is None or known.status is Status.DELETING:
            yield cloud_event(
                {
                    "bucket": bucket.name,
                    "name": photo_name(uid, observation_id),
                    "generation": "0",
                    "timeCreated": "1970-01-01T00:00:00Z",
                }
            )


def clock(function: str, stopped: threading.Event, *, seconds: float = _SWEEP_SECONDS) -> None:
    """Tell the function to sweep, as Cloud Scheduler does. One that fails is not repeated."""
    while not stopped.wait(seconds):
        headers, body = to_structured(CloudEvent({"type": SWEEP, "source": "local.events"}))
        try:
            requests.post(function, body, headers=headers, timeout=_SWEEP_SECONDS)
        except requests.RequestException as error:
            _log.warning("cannot sweep: %s", type(error).__name__)


def serve(port: int, function: str, bucket: str, observations: Path) -> None:
    """Run until a signal. STORAGE_EMULATOR_HOST says where the bucket is."""
    with Delivery(function) as delivery, publisher(port, delivery.accept):
        for event in _patiently(bucket, observations):
            delivery.accept(event)
        clock(function, threading.Event())  # for ever


def _patiently(bucket: str, observations: Path) -> list[CloudEvent]:
    """What was missed; waits until the storage server answers, which starts at the same time."""
    while True:
        try:
            return list(missed(Client().bucket(bucket), SqliteObservations(observations)))
        except NotFound:  # the first start: there is no bucket yet, so nothing was missed
            return []
        except (GoogleAPIError, requests.RequestException, StoreUnavailable) as error:
            _log.warning("cannot look for missed events yet: %s", type(error).__name__)
            time.sleep(_AGAIN_SECONDS)


if __name__ == "__main__":
    logging.basicConfig(format="%(asctime)s %(message)s")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        serve(int(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4]))
