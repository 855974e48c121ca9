"""A request's body: read once, within a budget of bytes and time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from parrot import deadline, logs
from parrot.errors import InvalidRequest, PhotoTooLarge, RequestTimeout, UnsupportedMedia
from parrot.http.transfers import ADDRESS, SLICE_BYTES, SOCKET, STALL_SECONDS, running, seconds_for

if TYPE_CHECKING:
    from flask import Request

    from parrot.budget import Reservation
    from parrot.http.transfers import Transfer

_NOT_COMPRESSED = frozenset({"", "identity"})
# Where `respond` keeps what a request holds of the bodies' budget.
RESERVATION = "parrot.reservation"
_READ_AHEAD_BYTES = 1024 * 1024  # gunicorn receives this much at once, however little is read
# gunicorn copies what it has received at each read: few large reads, as long as they are quick. A
# slow phone is read in slices, so that it is noticed.
_MOST_READ_BYTES, _QUICK_SECONDS = 256 * 1024, 0.02
_COPIES = 3  # the body as it arrives, whole, and decoded
_CHUNK_OBJECT_BYTES = 64  # Python's own, for a client that sends single bytes
_TOO_SLOW = "the body arrives too slowly"
_MOST_CPU_SECONDS = 1.0  # to read 27 MB takes 0.1; in chunks of one byte each a minute


def read(request: Request, *, most: int) -> bytes:
    """The whole body. Memory is reserved as it arrives, whatever its Content-Length says.

    Raises PhotoTooLarge over `most` bytes, UnsupportedMedia where it is compressed, InvalidRequest
    if it is incomplete or comes in too many tiny chunks, RequestTimeout if it stalls, Overloaded.
    """
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _NOT_COMPRESSED:
        raise UnsupportedMedia(f"the body is compressed ({encoding:.20}): send it as it is")
    announced = request.content_length
    if announced is not None and announced > most:
        raise PhotoTooLarge(size=announced, limit=most)
    request.max_content_length = None  # we enforce `most` ourselves
    reservation: Reservation = request.environ[RESERVATION]
    connection = request.environ.get(SOCKET)  # other servers have their own limits
    if connection is not None:
        connection.settimeout(STALL_SECONDS)
    reservation.grow(min(most if announced is None else announced, _READ_AHEAD_BYTES))
    with running.moving(connection, request.environ.get(ADDRESS, "")) as transfer:
        chunks = _chunks(request, transfer, most=most, announced=announced)
    logs.note(request_bytes=transfer.moved, reserved_bytes=reservation.held)
    return b"".join(chunks)  # once: a body that grows is copied again and again


def _chunks(
    request: Request, transfer: Transfer, *, most: int, announced: int | None
) -> list[bytes]:
    reservation: Reservation = request.environ[RESERVATION]
    cpu = time.thread_time()
    chunks: list[bytes] = []
    asked = SLICE_BYTES
    while transfer.moved != announced:
        transfer.until = transfer.started + seconds_for(transfer.moved + asked)
        began = time.monotonic()
        chunk = _chunk(request, transfer, asked)
        if not chunk:
            break
        quick = time.monotonic() - began < _QUICK_SECONDS
        asked = min(2 * asked, _MOST_READ_BYTES) if quick else SLICE_BYTES
        with transfer.paused():  # for memory: that is not the phone's fault
            reservation.grow(_COPIES * len(chunk) + _CHUNK_OBJECT_BYTES)
        chunks.append(chunk)
        transfer.move(len(chunk))
        if transfer.moved > most:
            raise PhotoTooLarge(size=None, limit=most)
        if time.monotonic() - transfer.started > seconds_for(transfer.moved):
            raise RequestTimeout(_TOO_SLOW)
        if time.thread_time() - cpu > _MOST_CPU_SECONDS:
            raise InvalidRequest("the body comes in too many small chunks")
    if announced is not None and transfer.moved < announced:
        raise InvalidRequest("the body is incomplete or malformed")
    return chunks


def _chunk(request: Request, transfer: Transfer, size: int) -> bytes:
    try:
        with deadline.paused():
            chunk = request.stream.read(size)
    except TimeoutError as error:
        raise RequestTimeout(f"nothing arrived for {STALL_SECONDS:g} s") from error
    except Exception as error:  # each server has its own errors for a body that is incomplete
        if transfer.ended:
            raise RequestTimeout(_TOO_SLOW) from error
        raise InvalidRequest("the body is incomplete or malformed") from error
    if transfer.ended:
        raise RequestTimeout(_TOO_SLOW)
    return chunk
