"""Bodies as they arrive: in single bytes, compressed, with a field too many."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from parrot.budget import Budget
from parrot.errors import InvalidImage, InvalidRequest, Overloaded, UnsupportedMedia
from parrot.http import request_body, submission
from tests.support.bodies import admitted

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
MOST_FIELDS = 100


class Trickle(io.BytesIO):
    """Returns a single byte per read, however many are wanted."""

    def readinto(self, buffer: Any, /) -> int:
        return super().readinto(memoryview(buffer)[:1])


def arriving(stream: io.BytesIO, kind: str = "image/jpeg", **headers: str) -> Request:
    size = len(stream.getvalue())
    environ = EnvironBuilder(
        method="POST",
        input_stream=stream,
        content_type=kind,
        content_length=size,
        headers=headers.items(),
    ).get_environ()
    return Request(environ)


def test_single_bytes_are_reserved_with_what_python_keeps_of_each() -> None:
    """A byte takes 33 more: a body of a few MB in single bytes would fill an instance."""
    body = b"x" * 2000
    request = arriving(Trickle(body))
    with admitted(request, Budget(2**20)):
        assert request_body.read(request, most=len(body)) == body
        assert request.environ["parrot.reservation"].held >= 50 * len(body)


def test_single_bytes_beyond_the_budget_are_turned_away() -> None:
    """Others are still answered."""
    budget = Budget(2**16, patience=0.0)
    first = arriving(io.BytesIO(b"x" * 1000))
    with admitted(first, budget):
        request_body.read(first, most=1000)
        second = arriving(Trickle(b"x" * 2000))
        with admitted(second, budget), pytest.raises(Overloaded):
            request_body.read(second, most=2000)


@pytest.mark.parametrize("encoding", ["gzip", "br", "GZIP", "gzip, gzip"])
def test_a_compressed_body_is_refused(encoding: str) -> None:
    """It could unpack to any size, and no app sends one."""
    request = arriving(io.BytesIO(b"x"), JSON, **{"Content-Encoding": encoding})
    with admitted(request, Budget(2**20)), pytest.raises(UnsupportedMedia):
        submission.read_fields(request)


@pytest.mark.parametrize("kind", [FORM, JSON])
@pytest.mark.parametrize("fields", [MOST_FIELDS, MOST_FIELDS + 1])
def test_a_body_has_a_hundred_fields_at_most(kind: str, fields: int) -> None:
    """Millions of empty ones fit into the bytes of a photo."""
    names = [f"f{number}" for number in range(fields)]
    if kind == FORM:
        body = "&".join(f"{name}=1" for name in names)
    else:
        body = "{" + ",".join(f'"{name}": 1' for name in names) + "}"
    request = arriving(io.BytesIO(body.encode()), kind)
    # So few are read, and then there is no photo among them.
    error = InvalidImage if fields == MOST_FIELDS else InvalidRequest
    with admitted(request, Budget(2**20)), pytest.raises(error):
        submission.read_photos(request, max_bytes=2**20)


@pytest.mark.parametrize(
    "body",
    [
        b'{"s\xe4ecies": "amazona"}',
        b'{"species": "ama\xffzona"}',
        b'{"index": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_not_quite_json_is_the_callers_mistake(body: bytes) -> None:
    """It was a 500: fuzzing found letters that are not UTF-8."""
    request = Request(EnvironBuilder(method="PATCH", data=body).get_environ())
    with admitted(request, Budget(2**20)), pytest.raises(InvalidRequest):
        submission.read_fields(request)
