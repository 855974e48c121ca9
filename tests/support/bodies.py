"""Requests whose bodies are read without a function around them."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Request
from werkzeug.test import EnvironBuilder

from parrot.budget import Budget
from parrot.http import submission, transfers
from parrot.http.submission import Submission

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
PARTS = "multipart/form-data; boundary=B"


def arriving(body: bytes | io.BytesIO, kind: str, method: str = "POST", **headers: str) -> Request:
    stream = body if isinstance(body, io.BytesIO) else io.BytesIO(body)
    length = len(stream.getvalue())
    return Request(
        EnvironBuilder(
            method=method,
            input_stream=stream,
            content_type=kind,
            content_length=length,
            headers=headers.items(),
        ).get_environ()
    )


@contextmanager
def admitted(request: Request, bodies: Budget) -> Iterator[None]:
    """As `respond` does: what is read meanwhile is held in `bodies`."""
    with bodies.reserve() as reservation:
        request.environ[transfers.RESERVATION] = reservation
        yield


def submitted(body: bytes, kind: str, **headers: str) -> Submission:
    """What `classify` and `save` read."""
    request = arriving(body, kind, **headers)
    with admitted(request, Budget(2**24)):
        return submission.read_photos(request, max_bytes=2**20)


def fields(body: bytes, **headers: str) -> dict[str, object]:
    """What a change of an observation reads."""
    request = arriving(body, JSON, "PATCH", **headers)
    with admitted(request, Budget(2**20)):
        return dict(submission.read_fields(request))
