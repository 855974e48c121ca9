"""HTTP whose answers end: sockets that look at the request's deadline before every read.

urllib3, and so requests, limits the time between two reads: a server that sends a byte a second
holds a caller forever. Here a read may take no longer than what is left of `parrot.deadline`, and
a check set by the deadline's owner can end the wait sooner.
"""

from __future__ import annotations

import socket
import ssl
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
    from collections.abc import Callable

_LONGEST_SECONDS = 300.0  # for sockets without a timeout of their own
_CONNECT_SECONDS = 10.0
_CHECK_SECONDS = 0.1


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


class _Timed:
    """What a socket does with a deadline."""

    __slots__ = ()

    def recv_into(self: Any, *arguments: Any) -> int:  # noqa: ANN401 - as a socket's
        seconds, own = _wait(self, wait_for_read), self.gettimeout()
        if not seconds:  # a server that never pauses would never time out
            raise TimeoutError("timed out")
        self.settimeout(seconds)
        try:
            received: int = super().recv_into(*arguments)  # type: ignore[misc]
        finally:
            if self.fileno() >= 0:
                self.settimeout(own)
        return received

    def sendall(self: Any, data: Any, /) -> None:  # noqa: ANN401 - any buffer
        own, rest = self.gettimeout(), memoryview(data)
        while rest:
            self.settimeout(_wait(self, wait_for_write) or deadline.LEAST_SECONDS)
            rest = rest[self.send(rest) :]
            self.settimeout(own)


class _TimedSocket(_Timed, socket.socket):  # type: ignore[misc]
    __slots__ = ()


class _TimedTls(_Timed, ssl.SSLSocket):  # type: ignore[misc]
    __slots__ = ()


def _wait(connection: Any, ready: Callable[..., bool]) -> float:  # noqa: ANN401 - a _Timed
    """Wait with the deadline's check until the socket is ready; seconds that the call may take.

    0 if the deadline is over.
    """
    request, now = deadline.current.get(), time.monotonic()
    end = min(now + (connection.gettimeout() or _LONGEST_SECONDS), request.end)
    # TLS may have read ahead.
    if end <= now or request.check is None or getattr(connection, "pending", int)():
        return max(0.0, end - now)
    while not ready(connection, _CHECK_SECONDS) and time.monotonic() < end:
        request.check()
    return max(deadline.LEAST_SECONDS, end - time.monotonic())


class _Connection(HTTPConnection):
    def connect(self) -> None:
        self.timeout = deadline.left(self.timeout or _LONGEST_SECONDS)
        super().connect()
        self.sock.__class__ = _TimedSocket


class _SecureConnection(HTTPSConnection):
    def connect(self) -> None:
        self.timeout = deadline.left(self.timeout or _LONGEST_SECONDS)  # for the TLS handshake too
        super().connect()
        self.sock.__class__ = _TimedTls


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection
