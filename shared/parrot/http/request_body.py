"""A request's body: read once, within a budget of bytes and time."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from parrot import deadline, logs
from parrot.errors import InvalidRequest, PhotoTooLarge, RequestTimeout, UnsupportedMedia

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Request

    from parrot.budget import Budget, Reservation

_NOT_COMPRESSED = frozenset({"", "identity"})
_RESERVATION, _SOCKET = "parrot.reservation", "gunicorn.socket"
_CHUNK_BYTES = 1024 * 1024  # gunicorn receives as much at once, and copies what is not asked for
_COPIES = 3  # the body as it arrives, whole, and decoded
_CHUNK_OBJECT_BYTES = 64  # Python's own, for a client that sends single bytes
# A phone at the edge of its network sends 8 kB a second; a slower client only blocks a thread.
_STALL_SECONDS = 10.0
_SLOWEST_BYTES_PER_SECOND = 4 * 1024


@contextmanager
def admitted(request: Request, bodies: Budget) -> Iterator[None]:
    """While this lasts, what `read` reads is held in `bodies`. Raises Overloaded."""
    with bodies.reserve() as reservation:
        request.environ[_RESERVATION] = reservation
        yield


def read(request: Request, *, most: int) -> bytes:
    """The whole body. Memory is reserved as it arrives; a large Content-Length reserves nothing.

    Raises PhotoTooLarge over `most` bytes, UnsupportedMedia where it is compressed, InvalidRequest
    where it is incomplete, RequestTimeout where it stalls, Overloaded.
    """
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _NOT_COMPRESSED:
        raise UnsupportedMedia(f"the body is compressed ({encoding:.20}): send it as it is")
    announced = request.content_length
    if announced is not None and announced > most:
        raise PhotoTooLarge(size=announced, limit=most)
    request.max_content_length = None  # we enforce `most` ourselves
    reservation: Reservation = request.environ[_RESERVATION]
    _limit_silence(request)
    started = time.monotonic()
    chunks: list[bytes] = []  # joined once: a body that grows is copied again and again
    size = 0
    while chunk := _chunk(request):
        reservation.grow(_COPIES * len(chunk) + _CHUNK_OBJECT_BYTES)
        chunks.append(chunk)
        size += len(chunk)
        if size > most:
            raise PhotoTooLarge(size=None, limit=most)
        seconds = time.monotonic() - started
        if seconds > _STALL_SECONDS and size < seconds * _SLOWEST_BYTES_PER_SECOND:
            raise RequestTimeout("the body arrives too slowly")
    if announced is not None and size < announced:
        raise InvalidRequest("the body is incomplete or malformed")
    logs.note(request_bytes=size, reserved_bytes=reservation.held)
    return b"".join(chunks)


def keep(request: Request, amount: int) -> None:
    """Give back all but `amount` bytes: the body was taken apart."""
    request.environ[_RESERVATION].keep(amount)


def _limit_silence(request: Request) -> None:
    """No byte for this long ends the request; other servers have their own limits."""
    connection = request.environ.get(_SOCKET)
    if connection is not None:
        connection.settimeout(_STALL_SECONDS)


def _chunk(request: Request) -> bytes:
    try:
        with deadline.paused():
            return request.stream.read(_CHUNK_BYTES)
    except TimeoutError as error:
        raise RequestTimeout(f"nothing arrived for {_STALL_SECONDS:g} s") from error
    except Exception as error:  # each server has its own errors for a body that is incomplete
        raise InvalidRequest("the body is incomplete or malformed") from error
