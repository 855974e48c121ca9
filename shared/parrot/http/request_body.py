"""A request's body: read once, within a budget of bytes and time.

A socket's own timeout starts again with every byte, and the server in between only returns when it
has all the bytes that were requested: one byte every few seconds would hold a thread for hours. So
a watchdog ends reads that take too long in all.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from parrot import deadline, logs
from parrot.errors import InvalidRequest, PhotoTooLarge, RequestTimeout, UnsupportedMedia

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Request

    from parrot.budget import Reservation

_NOT_COMPRESSED = frozenset({"", "identity"})
# Where `respond` keeps what a request holds of the bodies' budget.
RESERVATION = "parrot.reservation"
_SOCKET = "gunicorn.socket"
_LOOK_SECONDS = 0.5  # between two looks of the watchdog
# Larger reads are not faster, and a slow body is only noticed when a read is done.
_FIRST_READ_BYTES, _MOST_READ_BYTES = 64 * 1024, 256 * 1024
_READ_AHEAD_BYTES = 1024 * 1024  # gunicorn receives this much at once, however little is read
_COPIES = 3  # the body as it arrives, whole, and decoded
_CHUNK_OBJECT_BYTES = 64  # Python's own, for a client that sends single bytes
# A phone with a weak signal sends 8 kB a second; a slower client only blocks a thread.
_STALL_SECONDS = 10.0
_SLOWEST_BYTES_PER_SECOND = 4 * 1024
_TOO_SLOW = "the body arrives too slowly"
_MOST_CPU_SECONDS = 1.0  # to read 27 MB takes 0.1; in chunks of one byte each a minute


@dataclass(slots=True)
class TimedRead:
    """One read; `ended` says that its time was over."""

    connection: socket.socket | None
    until: float  # of time.monotonic()
    ended: bool = False


class Watchdog:
    """One thread for the reads of all requests, started by the first of them."""

    def __init__(self) -> None:
        self._watches: dict[int, TimedRead] = {}
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    @contextmanager
    def watching(self, connection: socket.socket | None, until: float) -> Iterator[TimedRead]:
        """What is read in here ends when the time is over, as if the phone had hung up.

        The connection can still be written to. Without one nothing is watched.
        """
        watch = TimedRead(connection, until)
        if connection is None:
            yield watch
            return
        self._start()
        self._watches[id(watch)] = watch
        try:
            yield watch
        finally:
            del self._watches[id(watch)]

    def _start(self) -> None:
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        while True:
            time.sleep(_LOOK_SECONDS)  # the limits are seconds: half a second late does not matter
            now = time.monotonic()
            for watch in list(self._watches.values()):
                if now > watch.until and watch.connection is not None:
                    watch.ended = True
                    with contextlib.suppress(OSError):  # the client has hung up
                        watch.connection.shutdown(socket.SHUT_RD)


_watchdog = Watchdog()


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
    connection = request.environ.get(_SOCKET)  # other servers have their own limits
    if connection is not None:
        connection.settimeout(_STALL_SECONDS)
    reservation.grow(min(most if announced is None else announced, _READ_AHEAD_BYTES))
    started, cpu = time.monotonic(), time.thread_time()
    chunks: list[bytes] = []  # joined once: a body that grows is copied again and again
    size, asked = 0, _FIRST_READ_BYTES
    while size != announced:
        chunk = _chunk(request, asked, until=started + _seconds_for(size + asked))
        if not chunk:
            break
        reservation.grow(_COPIES * len(chunk) + _CHUNK_OBJECT_BYTES)
        chunks.append(chunk)
        size += len(chunk)
        if size > most:
            raise PhotoTooLarge(size=None, limit=most)
        if time.monotonic() - started > _seconds_for(size):
            raise RequestTimeout(_TOO_SLOW)
        if time.thread_time() - cpu > _MOST_CPU_SECONDS:
            raise InvalidRequest("the body comes in too many small chunks")
        asked = min(2 * asked, _MOST_READ_BYTES)
    if announced is not None and size < announced:
        raise InvalidRequest("the body is incomplete or malformed")
    logs.note(request_bytes=size, reserved_bytes=reservation.held)
    return b"".join(chunks)


def _seconds_for(size: int) -> float:
    """How long this many bytes may take."""
    return max(_STALL_SECONDS, size / _SLOWEST_BYTES_PER_SECOND)


def _chunk(request: Request, size: int, *, until: float) -> bytes:
    with _watchdog.watching(request.environ.get(_SOCKET), until) as watch:
        try:
            with deadline.paused():
                chunk = request.stream.read(size)
        except TimeoutError as error:
            raise RequestTimeout(f"nothing arrived for {_STALL_SECONDS:g} s") from error
        except Exception as error:  # each server has its own errors for a body that is incomplete
            if watch.ended:
                raise RequestTimeout(_TOO_SLOW) from error
            raise InvalidRequest("the body is incomplete or malformed") from error
    if watch.ended:
        raise RequestTimeout(_TOO_SLOW)
    return chunk
