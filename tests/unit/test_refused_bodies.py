"""A failed request frees its body at once, not when the collector runs."""

import gc
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from flask import Flask, Request, Response
from werkzeug.test import EnvironBuilder

from parrot.budget import Budget
from parrot.config import Settings
from parrot.errors import StoreUnavailable
from parrot.http import answers, submission, transfers
from parrot.http.respond import respond
from tests.support.settings import LOCAL

MIB = 2**20
SIZE = 4 * MIB
FORM, JSON, JPEG = "application/x-www-form-urlencoded", "application/json", "image/jpeg"
PARTS = "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n'
BODIES = {
    "JSON that is no JSON": (JSON, b'{"image": ' + b"A" * SIZE),
    "JSON that is no base64": (JSON, b'{"image": "' + b"!" * SIZE + b'"}'),
    "JSON with an emoji": (JSON, b'{"image": "' + b"A" * SIZE + "😀".encode() + b'"}'),
    "JSON of many values": (JSON, b'{"image": [' + b"1," * (SIZE // 2) + b"1]}"),
    "a form that is no base64": (FORM, b"b64=" + b"!" * SIZE),
    "a form that is no image": (FORM, b"b64=" + b"A" * SIZE),
    "a form of many fields": (FORM, b"a=1&" * (SIZE // 4)),
    "a form without a photo": (FORM, b"a=" + b"A" * SIZE),
    "parts with no boundary": ("multipart/form-data", PART + b"\r\n" + b"A" * SIZE),
    "a part that does not end": (PARTS, PART + b"\r\n" + b"A" * SIZE),
    "a part header that does not end": (PARTS, b"--b\r\nX: " + b"y" * SIZE),
    "a part header that is too long": (PARTS, b"--b\r\nX: " + b"y" * SIZE + b"\r\n\r\n"),
    "a part header that is no text": (PARTS, b"--b\r\n\xff: y\r\n\r\n" + b"A" * SIZE),
    "a part whose length is no number": (PARTS, b"--b\r\nContent-Length: x\r\n\r\n" + b"A" * SIZE),
    "parts that end early": (PARTS, PART + b"\r\n" + b"A" * SIZE + b"\r\n--b"),
    "parts without a photo": (PARTS, PART.replace(b"image", b"x") + b"\r\n--b--" + b"A" * SIZE),
    "too many parts": (PARTS, (PART + b"\r\n\r\n") * (SIZE // len(PART)) + b"--b--"),
    "too many photos": (PARTS, (PART + b"\r\n" + b"A" * MIB + b"\r\n") * 6 + b"--b--\r\n"),
    "a part that is no image": (PARTS, PART + b"\r\n" + b"A" * SIZE + b"\r\n--b--\r\n"),
    "a broken JPEG": (JPEG, b"\xff\xd8\xff\xe0" + b"A" * SIZE),
    "a JPEG of empty segments": (JPEG, b"\xff\xd8" + b"\xff\xe1\0\2" * (SIZE // 4)),
    "what is no image": ("image/png", b"A" * SIZE),
    "an unknown type": ("text/plain", b"A" * SIZE),
}


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield
    tracemalloc.stop()
    gc.enable()


def answered(kind: str, body: bytes, handler: Callable[[Request], Response]) -> Response:
    environ = EnvironBuilder(
        method="POST", base_url="http://127.0.0.1", data=body, content_type=kind
    ).get_environ()
    with Flask(__name__).app_context():
        return respond(
            Request(environ),
            lambda: Settings.from_env(LOCAL),
            lambda: Budget(2**30),
            {"POST": handler},
        )


def refuse(kind: str, body: bytes) -> None:
    """Send it, and see it refused for what it is."""

    def handler(request: Request) -> Response:
        submission.read_photos(request, max_bytes=2 * SIZE)
        return answers.empty()

    response = answered(kind, body, handler)
    assert response.status_code in {400, 413, 415, 422}, response.get_data()


@pytest.mark.parametrize(("kind", "body"), BODIES.values(), ids=BODIES)
@pytest.mark.usefixtures("no_collector")
def test_a_refused_body_is_freed(kind: str, body: bytes) -> None:
    """In a cycle of error, frames and parser, bodies add up until an instance has no memory."""
    refuse(kind, b"x")  # what is imported or cached stays
    before = tracemalloc.get_traced_memory()[0]
    refuse(kind, body)
    assert tracemalloc.get_traced_memory()[0] - before < MIB


class Neighbour:
    """A client that keeps its last error, as some libraries do."""

    error: Exception | None = None

    def store(self, body: bytes) -> Response:
        try:
            return Response(str(body[len(body)]))
        except IndexError as error:
            self.error = error
            raise StoreUnavailable("it cannot be reached") from error


@pytest.mark.usefixtures("no_collector")
def test_a_photo_that_a_neighbour_did_not_accept_is_freed() -> None:
    """While storage is down every photo fails: they must not all stay in memory."""

    def handler(request: Request) -> Response:
        return Neighbour().store(transfers.read(request, most=SIZE))

    body = b"A" * SIZE
    assert answered(JPEG, b"x", handler).status_code == 503
    before = tracemalloc.get_traced_memory()[0]
    assert answered(JPEG, body, handler).status_code == 503
    assert tracemalloc.get_traced_memory()[0] - before < MIB
