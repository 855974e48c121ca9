"""Cloud Storage and Firebase on a bad day: refused, late, dripping, half an answer, garbage.

Google's own clients talk to a server whose answers are scripted. Whatever it does, the caller gets
one error that says to try again, before the request's deadline is far behind.
"""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from firebase_admin import _token_gen
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client
from urllib3.exceptions import HTTPError

from parrot import deadline
from parrot.adapters.bucket import BucketFiles, BucketPhotos
from parrot.adapters.firebase import FirebaseIdentity, connect
from parrot.adapters.timed_http import TimedAdapter, timed_pools
from parrot.errors import IdentityUnavailable, StoreUnavailable
from parrot.photo import images
from tests.support.firebase_tokens import signed
from tests.support.photos import encoded, noise
from tests.support.scripted_http import Request, ScriptedAnswer, json_answer, serving
from tests.support.waiting import soon

SECONDS = 0.2
PHOTO = images.read(encoded(noise()))
RESOURCE = {
    "name": "photos/ana/x",
    "bucket": "b",
    "generation": "7",
    "size": str(len(PHOTO.data)),
    "timeCreated": "2026-11-23T12:00:00Z",
}
WHOLE = json_answer({**RESOURCE, "items": [RESOURCE]})
FAULTS = {
    "unavailable": json_answer({"error": {"code": 503, "message": "no"}}, 503),
    "forbidden": json_answer({"error": {"code": 403, "message": "no"}}, 403),
    "late": replace(WHOLE, silent_seconds=30),
    "dripping": replace(WHOLE, pause_seconds=0.2),
    "half": replace(WHOLE, sent_bytes=20),
    "broken off": replace(WHOLE, sent_bytes=-1),
    "garbage": ScriptedAnswer(b"<html>\xff", headers={"Content-Type": "application/json"}),
    "another shape": json_answer([1, 2]),
    "empty object": json_answer({}),
}
CALLS: dict[str, Callable[[Client], object]] = {
    "describe": lambda client: photos(client).describe("photos/ana/x"),
    "generation": lambda client: photos(client).generation("photos/ana/x"),
    "put": lambda client: photos(client).put("photos/ana/x", PHOTO),
    "write": lambda client: photos(client).write_derived("derived/ana/x/image.webp", b"x"),
    "list": lambda client: photos(client).list_derived("ana", "x"),
    "delete": lambda client: photos(client).delete("photos/ana/x", generation=7),
    "open": lambda client: photos(client).open("photos/ana/x"),
    "read generation": lambda client: photos(client).read_generation("photos/ana/x", 7, most=10**6),
    "bundle": lambda client: BucketFiles(client, "our-models", "2026-11-22").read("manifest.json"),
}


def storage(url: str) -> Client:
    client = Client(
        project="p", credentials=AnonymousCredentials(), client_options={"api_endpoint": url}
    )
    client._http.mount("http://", TimedAdapter())  # noqa: SLF001 - as wiring does
    return client


def photos(client: Client) -> BucketPhotos:
    return BucketPhotos(client, "our-photos")


@contextmanager
def in_time(error: type[Exception]) -> Iterator[pytest.ExceptionInfo[Exception]]:
    """The caller hears of it soon after the request's deadline, however long the fault lasts."""
    with soon(), deadline.within(SECONDS), pytest.raises(error) as raised:
        yield raised


@pytest.mark.parametrize("fault", FAULTS)
def test_storage_on_a_bad_day_is_unavailable_in_time(fault: str) -> None:
    """Never a hang, never a 500."""
    with serving(lambda _request: FAULTS[fault]) as server, in_time(StoreUnavailable):
        photos(storage(server.url)).describe("photos/ana/x")


@pytest.mark.parametrize("call", CALLS)
def test_no_call_waits_for_a_storage_that_hangs_nor_passes_on_its_refusal(call: str) -> None:
    """Each goes its own way through Google's client. Strangers read the detail."""
    for fault in ("late", "forbidden"):
        with serving(lambda _request, fault=fault: FAULTS[fault]) as server:  # type: ignore[misc]
            client = storage(server.url)
            with in_time(StoreUnavailable) as raised:
                CALLS[call](client)
        assert "our-" not in str(raised.value)


def test_a_server_that_is_silent_before_tls_is_given_up_in_time() -> None:
    """It accepts connections and is silent: Google's token servers ignore our timeout."""
    with socket.create_server(("127.0.0.1", 0)) as silent, in_time(HTTPError):
        timed_pools(size=1).request("GET", f"https://127.0.0.1:{silent.getsockname()[1]}/")


@pytest.mark.parametrize("fault", ["late", "dripping", "half", "broken off", "unavailable"])
def test_a_download_that_fails_after_its_metadata_is_unavailable(fault: str) -> None:
    """The bytes come in a request of their own."""

    def script(request: Request) -> ScriptedAnswer:
        if "alt=media" not in request.path:
            return WHOLE
        if fault == "unavailable":
            return FAULTS[fault]
        return replace(FAULTS[fault], body=PHOTO.data)

    with serving(script) as server, in_time(StoreUnavailable):
        photos(storage(server.url)).read_generation("photos/ana/x", 7, most=10**6)


def test_what_an_upload_says_about_training_is_a_clear_yes_or_a_no() -> None:
    """Where training is granted, "False" and "no" counted as silence, which is a yes there."""
    for stated, training in (
        ({}, None),
        ({"training": "true"}, True),
        *(({"training": no}, False) for no in ("false", "False", "no", "")),
    ):
        facts = json_answer({**RESOURCE, "metadata": stated})
        with serving(lambda _request, facts=facts: facts) as server:  # type: ignore[misc]
            described = photos(storage(server.url)).describe("photos/ana/x")
        assert described is not None
        assert described.training is training, stated


def test_a_photo_is_read_in_parts_of_one_generation() -> None:
    """A part of another photo, under the first one's ETag, would make neither."""
    facts = {"name": "x", "generation": "7", "size": "9", "metadata": {"sha256": "0a" * 32}}
    parts = iter(
        [ScriptedAnswer(b"irds", 206), ScriptedAnswer(b"whole", 200), ScriptedAnswer(status=404)]
    )

    def script(request: Request) -> ScriptedAnswer:
        return next(parts) if "alt=media" in request.path else json_answer(facts)

    with serving(script) as server, deadline.within(SECONDS):
        content = photos(storage(server.url)).open("photos/ana/x")
        assert content is not None
        assert (content.size, content.tag) == (9, "0a" * 16)
        assert content.read(1, 5) == b"irds"
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                content.read(5, 9)
        part = next(request for request in server.requests if "alt=media" in request.path)
    assert "generation=7" in part.path
    assert part.headers["Range"] == "bytes=1-4"


def test_a_storage_that_recovers_in_time_is_asked_again() -> None:
    """A phone should not notice a single 503."""
    answers = iter([FAULTS["unavailable"]])
    with serving(lambda _request: next(answers, WHOLE)) as server:
        facts = photos(storage(server.url)).describe("photos/ana/x")
    assert facts is not None
    assert (facts.generation, facts.size) == (7, len(PHOTO.data))


@pytest.mark.parametrize("fault", ["forbidden", "late", "dripping", "garbage"])
def test_missing_certificates_are_not_the_tokens_fault(
    monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """A 401 would sign everyone out."""
    certificates = replace(
        FAULTS[fault],
        body=json.dumps({"one": "x" * 60}).encode() if fault == "dripping" else FAULTS[fault].body,
    )
    with serving(lambda _request: certificates) as server:
        monkeypatch.setattr(_token_gen, "ID_TOKEN_CERT_URI", server.url)
        project = f"p-{fault.replace(' ', '-')}"  # each has an app of its own, which caches
        identity = FirebaseIdentity(connect(project, credentialed=False), check_revoked=False)
        with in_time(IdentityUnavailable):
            identity.user(signed(aud=project, iss=f"https://securetoken.google.com/{project}"))
