"""Bodies and answers on their way: how long each may hold a thread, and how many slow ones may.

A socket's own timeout starts again with every byte, and the server in between only returns when it
has moved all the bytes that it was given: one byte every few seconds would hold a thread for hours.
So a watchdog ends transfers that take too long. When three quarters of the threads wait for slow
phones, it also ends those that have waited longest, of the busiest address first, until only a
quarter wait: the other threads answer everybody else. For a moment after that, those that come
behind are called slow sooner. `read` also counts a body against the memory of all bodies.
"""

from __future__ import annotations

import contextlib
import logging
import math
import socket
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from parrot import deadline, errors, logs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flask import Request, Response

    from parrot.budget import Reservation

# Where a request's environ keeps its connection (only gunicorn has one), its sender's address, and
# what it holds of the bodies' budget.
SOCKET, ADDRESS, RESERVATION = "gunicorn.socket", "parrot.address", "parrot.reservation"
STALL_SECONDS = 10.0  # without a byte
# A phone with a weak signal sends 8 kB a second; a slower client only blocks a thread.
_SLOWEST_BYTES_PER_SECOND = 4 * 1024
_MOST_SECONDS = 240.0  # deployed, Cloud Run ends requests after 300, without a word to the phone
# Bodies are read and answers written by this much. A phone that takes longer for it is slow: that
# is less than 64 kB a second.
SLICE_BYTES = 16 * 1024
_SLOW_SECONDS = 0.25
_LOOK_SECONDS = 0.1  # between two looks of the watchdog
# Once some had to end, those behind them are probably as slow: with 16 threads, 80 such phones come
# in six rounds, and everybody else waits for all of them.
_ALERT_SECONDS = 2.0
_SLOW_ON_ALERT, _LOOK_ON_ALERT = 0.05, 0.02
_KEPT_BYTES = 256 * 1024  # by the system, of an answer that is not read; a slice fits in any case
_READ_AHEAD_BYTES = 1024 * 1024  # gunicorn receives this much at once, however little is read
# gunicorn copies what it has received at each read: few large reads, as long as they are quick. A
# slow phone is read in slices, so that it is noticed.
_MOST_READ_BYTES, _QUICK_SECONDS = 256 * 1024, 0.02
_COPIES = 3  # the body as it arrives, whole, and decoded
_CHUNK_OBJECT_BYTES = 64  # Python's own, for a client that sends single bytes
_TOO_SLOW = "the body arrives too slowly"
_MOST_CPU_SECONDS = 1.0  # to read 27 MB takes 0.1; in chunks of one byte each a minute
_LOG = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Transfer:
    """One body or answer; `ended` says that it was cut off."""

    connection: socket.socket | None
    address: str
    how: int  # which side of the connection is shut down
    started: float  # of time.monotonic(), as all of these
    until: float
    since: float  # when bytes last moved; infinity while the phone waits for us
    moved: int = 0  # bytes
    ended: bool = False

    def move(self, size: int) -> None:
        """So many bytes have arrived, or are sent."""
        self.moved += size
        self.since = time.monotonic()

    def allow(self, size: int) -> None:
        """So many more bytes may take their time from now on."""
        self.since = time.monotonic()
        self.until = min(self.since + STALL_SECONDS, self.started + seconds_for(self.moved + size))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What happens in here takes none of the phone's time."""
        began = time.monotonic()
        self.since = self.until = math.inf
        yield
        self.since = time.monotonic()
        self.until = self.since + STALL_SECONDS
        self.started += self.since - began

    def end(self) -> None:
        """As if the phone had hung up."""
        self.ended = True
        if self.connection is not None:
            with contextlib.suppress(OSError):  # it has
                self.connection.shutdown(self.how)


class Transfers:
    """All of a process, watched by one thread that the first of them starts."""

    def __init__(self, threads: int | None = None) -> None:
        """`threads` serve requests; None if nobody knows, and then any number may be slow."""
        self.threads = threads
        self._moving: list[Transfer] = []
        self._alert = -math.inf  # until then
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()

    @contextmanager
    def moving(
        self,
        connection: socket.socket | None,
        address: str = "",
        *,
        how: int = socket.SHUT_RD,
    ) -> Iterator[Transfer]:
        """What is read or written in here ends when its time is over, or if it is too slow.

        After SHUT_RD the connection can still be written to. Without one nothing is watched.
        """
        now = time.monotonic()
        transfer = Transfer(connection, address, how, now, now + STALL_SECONDS, now)
        self.begin(transfer)
        try:
            yield transfer
        finally:
            self.finish(transfer)

    def begin(self, transfer: Transfer) -> None:
        """Watch it until it is finished."""
        if transfer.connection is None:
            return
        with self._changed:
            self._moving.append(transfer)
            self._changed.notify()
            self._end_surplus(time.monotonic())
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
                self._thread.start()

    def finish(self, transfer: Transfer) -> None:
        """Leave its connection alone from now on; no error if it is finished already."""
        with self._changed, contextlib.suppress(ValueError):
            self._moving.remove(transfer)

    def _run(self) -> None:
        while True:
            time.sleep(_LOOK_ON_ALERT if time.monotonic() < self._alert else _LOOK_SECONDS)
            with self._changed:
                self._changed.wait_for(lambda: self._moving)
                now = time.monotonic()
                for transfer in self._moving:
                    if now > transfer.until and not transfer.ended:
                        transfer.end()
                self._end_surplus(now)

    def _end_surplus(self, now: float) -> None:
        if self.threads is None:
            return
        patience = _SLOW_ON_ALERT if now < self._alert else _SLOW_SECONDS
        slow = [
            transfer
            for transfer in self._moving
            if not transfer.ended and now - transfer.since >= patience
        ]
        if len(slow) <= self.threads * 3 // 4:
            return
        self._alert = now + _ALERT_SECONDS
        busy = Counter(transfer.address for transfer in slow)
        while len(slow) > self.threads // 4:
            worst = max(slow, key=lambda each: (busy[each.address], now - each.since))
            worst.end()
            slow.remove(worst)
            busy[worst.address] -= 1


running = Transfers()  # in this process


def seconds_for(size: int) -> float:
    """How long this many bytes may take."""
    return min(_MOST_SECONDS, max(STALL_SECONDS, size / _SLOWEST_BYTES_PER_SECOND))


def read(request: Request, *, most: int) -> bytes:
    """The whole body. Memory is reserved as it arrives, whatever its Content-Length says.

    Raises PhotoTooLarge over `most` bytes, UnsupportedMedia where it is compressed, InvalidRequest
    if it is incomplete or comes in too many tiny chunks, RequestTimeout if it stalls, Overloaded.
    """
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in {"", "identity"}:
        raise errors.UnsupportedMedia(f"the body is compressed ({encoding:.20}): send it as it is")
    announced = request.content_length
    if announced is not None and announced > most:
        raise errors.PhotoTooLarge(size=announced, limit=most)
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
            raise errors.PhotoTooLarge(size=None, limit=most)
        if time.monotonic() - transfer.started > seconds_for(transfer.moved):
            raise errors.RequestTimeout(_TOO_SLOW)
        if time.thread_time() - cpu > _MOST_CPU_SECONDS:
            raise errors.InvalidRequest("the body comes in too many small chunks")
    if announced is not None and transfer.moved < announced:
        raise errors.InvalidRequest("the body is incomplete or malformed")
    return chunks


def _chunk(request: Request, transfer: Transfer, size: int) -> bytes:
    try:
        with deadline.paused():
            chunk = request.stream.read(size)
    except TimeoutError as error:
        raise errors.RequestTimeout(f"nothing arrived for {STALL_SECONDS:g} s") from error
    except Exception as error:  # each server has its own errors for a body that is incomplete
        if not transfer.ended:
            raise errors.InvalidRequest("the body is incomplete or malformed") from error
        chunk = b""
    if transfer.ended:
        raise errors.RequestTimeout(_TOO_SLOW)
    return chunk


def watch(request: Request, response: Response, size: int | None) -> None:
    """Let the answer's body end too if nobody reads it; `size` is None for a stream."""
    connection = request.environ.get(SOCKET)
    if connection is None or (size is not None and size <= SLICE_BYTES):
        return
    if size is not None:
        response.content_length = size
    address = request.environ.get(ADDRESS, "")
    response.response = _sent(response.iter_encoded(), connection, address)


def _sent(chunks: Iterable[bytes], connection: socket.socket, address: str) -> Iterator[bytes]:
    connection.settimeout(None)  # the watchdog ends it
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KEPT_BYTES)
    with running.moving(connection, address, how=socket.SHUT_RDWR) as transfer:
        why = "it is not read"
        try:
            for chunk in chunks:
                for at in range(0, len(chunk), SLICE_BYTES):
                    part = chunk[at : at + SLICE_BYTES]
                    transfer.allow(len(part))
                    yield part
                    transfer.move(len(part))
                transfer.until = transfer.since = math.inf  # the next piece has its own time limit
        except errors.ParrotError as error:
            # The head says how long it is: only a closed connection tells that this is not all.
            transfer.end()
            why = error.detail
        finally:
            if transfer.ended:
                _LOG.warning("an answer is cut off after %d bytes: %s", transfer.moved, why)
