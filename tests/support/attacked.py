"""What tests of hostile requests share: what an attack costs, and connections of their own."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Self
from urllib.parse import urlsplit

import psutil

from local.stack import Running
from parrot.budget import MIB
from tests.support.phone import BASE

MOST_BYTES = 512 * MIB


def classify_url(running: Running) -> str:
    return f"{running.url}{BASE}/classify"


class Peak:
    """The peak memory of a process meanwhile, sampled every 5 ms."""

    def __init__(self, pid: int) -> None:
        self._process, self._stop = psutil.Process(pid), threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.bytes = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.005):
            self.bytes = max(self.bytes, sum(self._of_all()))

    def _of_all(self) -> Iterator[int]:
        for process in (self._process, *self._process.children()):
            if "photo.decoder" not in " ".join(process.cmdline()):
                yield process.memory_info().rss


def connected(running_url: str) -> tuple[socket.socket, str]:
    """A connection, and the host's name in a request."""
    address = urlsplit(running_url)
    return socket.create_connection((str(address.hostname), address.port or 80)), address.netloc


def received(reader: socket.socket) -> bytes:
    """What comes until the connection ends."""
    data = bytearray()
    with reader, contextlib.suppress(ConnectionError):
        while chunk := reader.recv(2**20):
            data += chunk
    return bytes(data)


def sending(running_url: str, length: str, *, rest: str = "\r\n\r\n") -> socket.socket:
    """A connection on which a photo's head was sent, and the body is still to come."""
    phone, host = connected(running_url)
    head = f"POST /parrot-classifier/classify HTTP/1.1\r\nHost: {host}\r\n{length}\r\n"
    phone.sendall(f"{head}Content-Type: image/jpeg{rest}".encode())
    return phone
