"""Requests that are not HTTP: the web server answers them, in the same format."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from local.stack import Running

GET = b"GET /parrot-classifier/observations HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"what is this\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (GET + b"X-Large: " + b"a" * 9_000 + b"\r\n\r\n", 431),
        (GET + b"".join(b"X-%d: 1\r\n" % number for number in range(200)) + b"\r\n", 431),
        (GET + b"bad header\r\n\r\n", 400),
        (GET + b"Transfer-Encoding: gzip, chunked, nonsense\r\n\r\n", 501),
        (GET + b"Content-Length: -1\r\n\r\n", 400),
    ],
)
def test_what_cannot_be_parsed_is_a_problem_too(
    running: Running, request_bytes: bytes, status: int
) -> None:
    """A phone's error handling reads one format only."""
    address = urlsplit(running.url)
    with socket.create_connection((address.hostname, address.port), 10) as connection:
        connection.sendall(request_bytes)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0].startswith(f"HTTP/1.1 {status} ")
    assert "Content-Type: application/problem+json" in lines
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (status, "invalid_request")
    assert "a" * 100 not in problem["detail"]
