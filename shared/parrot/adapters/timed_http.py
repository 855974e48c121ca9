"""HTTP with a total time limit: connections check the request's deadline before every read.

urllib3, and so requests, limits the time between two reads: a server that sends a byte a second
holds a caller forever. Here a read may take no longer than what is left of `parrot.deadline`, and
a check set by the deadline's owner can end the wait sooner.
"""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any

import certifi
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.wait import wait_for_read, wait_for_write

from parrot import deadline

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

_LONGEST_SECONDS = 300.0  # for sockets without a timeout of their own
_CONNECT_SECONDS = 10.0
_WATCH_SECONDS = 0.1


def timed_pools(*, size: int) -> PoolManager:
    """Keeps up to `size` connections to each host. Proxies in the environment are ignored."""
    seconds = Timeout(connect=_CONNECT_SECONDS, read=_LONGEST_SECONDS)  # unless a call has its own
    return _timed(
        PoolManager(maxsize=size, retries=False, timeout=seconds, ca_certs=certifi.where())
    )


class TimedAdapter(HTTPAdapter):
    """The same for requests: mount it on a session."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as in requests
        """Use connections that check the deadline."""
        super().init_poolmanager(*args, **options)
        _timed(self.poolmanager)


def _timed(manager: PoolManager) -> PoolManager:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    return manager


class _TimedFile(io.RawIOBase):
    """The bytes that a server sends."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._file = connection.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:  # noqa: ANN401 - any writable buffer
        if deadline.over():  # a server that never pauses never times out
            raise TimeoutError("timed out")
        own = self._connection.gettimeout()
        _watch(self._connection, wait_for_read, own)
        self._connection.settimeout(deadline.left(own or _LONGEST_SECONDS))
        try:
            return self._file.readinto(buffer)
        finally:
            if self._connection.fileno() >= 0:
                self._connection.settimeout(own)

    def close(self) -> None:
        self._file.close()
        super().close()


class _TimedSocket:
    """A socket whose files are timed; everything else is the socket's own."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    def sendall(self, data: Any, /) -> None:  # noqa: ANN401 - any buffer
        """Send within the time that is left."""
        own, rest = self._connection.gettimeout(), memoryview(data)
        while rest:
            _watch(self._connection, wait_for_write, own)
            self._connection.settimeout(deadline.left(own or _LONGEST_SECONDS))
            rest = rest[self._connection.send(rest) :]

    def makefile(self, *_args: object, **_options: object) -> io.BufferedReader:
        return io.BufferedReader(_TimedFile(self._connection))


def _watch(connection: socket.socket, ready: Callable[..., bool], own: float | None) -> None:
    """Run the owner's check while waiting, until the socket is ready or its time is over."""
    check = deadline.watch()
    if check is None or getattr(connection, "pending", int)():  # TLS has read ahead
        return
    end = time.monotonic() + deadline.left(own or _LONGEST_SECONDS)
    while not ready(connection, _WATCH_SECONDS) and time.monotonic() < end:
        check()


class _Connection(HTTPConnection):
    def connect(self) -> None:
        self.timeout = deadline.left(self.timeout or _LONGEST_SECONDS)
        super().connect()
        self.sock = _TimedSocket(self.sock)


class _SecureConnection(HTTPSConnection):
    def connect(self) -> None:
        self.timeout = deadline.left(self.timeout or _LONGEST_SECONDS)  # for the TLS handshake too
        super().connect()
        self.sock = _TimedSocket(self.sock)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection
