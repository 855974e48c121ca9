"""Connections made to exhaust the functions: half sent, never closed, never read, or no HTTP."""

import json
import select
import socket
import uuid

import requests

from local.stack import Running
from parrot.budget import MIB
from tests.support.attacked import MOST_BYTES, Peak, classify_url, connected, received, sending
from tests.support.phone import BASE, Phone
from tests.support.photos import encoded, noise
from tests.support.waiting import soon


def test_half_sent_requests_do_not_delay_others(attacked: Running) -> None:
    """Sixteen of them took every thread for a minute."""
    half = [sending(attacked.url, "Content-Length: 1000000") for _ in range(16)]
    head = sending(attacked.url, "Content-Length: 0", rest="")
    try:
        for connection in half:
            connection.sendall(b"\xff\xd8\xff")
        photo = {"image": encoded(noise())}
        answer = requests.post(classify_url(attacked), files=photo, timeout=30)
        assert answer.status_code == 200
        assert not select.select(half, [], [], 0)[0], "answered only after these were given up"
        half[0].settimeout(30)
        assert b" 408 " in half[0].recv(4096)
        head.settimeout(30)
        assert not head.recv(4096), "its head may not take longer either"
    finally:
        for connection in (*half, head):
            connection.close()


def test_clients_that_keep_their_end_open_do_not_delay_others(attacked: Running) -> None:
    """Gunicorn waited two seconds for each of them, and answered nobody meanwhile."""
    ana = Phone(attacked.url, "ana")
    open_ends = []
    for _ in range(20):
        client, host = connected(attacked.url)
        head = f"GET {BASE}/observations HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        client.sendall(head.encode())
        open_ends.append(client)
    with soon(4):
        assert ana.get("/observations").status_code == 200
    assert all(b" 401 " in received(client) for client in open_ends)


GET = b"GET /parrot-classifier/observations HTTP/1.1\r\nHost: 127.0.0.1\r\n"
CHUNKS = (
    b"POST /parrot-classifier/classify HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    b"Content-Type: image/jpeg\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def test_what_cannot_be_parsed_is_a_problem_too(running: Running) -> None:
    """A phone's error handling reads one format only."""
    for request_bytes, status in (
        (b"what is this\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (GET + b"X-Large: " + b"a" * 9_000 + b"\r\n\r\n", 431),
        (GET + b"".join(b"X-%d: 1\r\n" % number for number in range(200)) + b"\r\n", 431),
        (GET + b"bad header\r\n\r\n", 400),
        (GET + b"Transfer-Encoding: gzip, chunked, nonsense\r\n\r\n", 501),
        (GET + b"Content-Length: -1\r\n\r\n", 400),
        (CHUNKS + b"zz\r\nabc", 400),
    ):
        connection, _ = connected(running.url)
        with connection:
            connection.settimeout(10)
            connection.sendall(request_bytes)
            answer = connection.makefile("rb").read()
        head, _, body = answer.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        assert lines[0].startswith(f"HTTP/1.1 {status} ")
        assert "Content-Type: application/problem+json" in lines
        problem = json.loads(body)
        assert (problem["status"], problem["code"]) == (status, "invalid_request")
        assert "a" * 100 not in problem["detail"]


def test_readers_that_read_nothing_take_little_and_are_cut_off(attacked: Running) -> None:
    """Each held the whole photo, and a thread for as long as it liked."""
    photo = encoded(noise(1900, 1900), "PNG")
    silent = []
    with Peak(attacked.pids["functions"]) as peak:
        for _ in range(4):  # twenty of one user are just within the quota
            ana = Phone(attacked.url, f"ana-{uuid.uuid4().hex}")
            name = ana.ask("POST", "/save?index=1", data=photo).json()["id"]
            silent += [reading(ana, f"/observations/{name}/original") for _ in range(20)]
        for _ in range(5):
            assert ana.get("/observations").status_code == 200
        lengths = [len(received(reader)) for reader in silent]
    assert peak.bytes < MOST_BYTES, f"{peak.bytes / MIB:.0f} MiB"
    assert sum(length < len(photo) for length in lengths) >= 40


def reading(phone: Phone, path: str) -> socket.socket:
    """A connection on which a file was asked for, and not yet read."""
    reader, host = connected(phone.url)
    lines = (
        f"GET {BASE}{path} HTTP/1.1",
        f"Host: {host}",
        f"Authorization: Bearer local:{phone.user}",
        "Connection: close",
    )
    reader.sendall("\r\n".join((*lines, "", "")).encode())
    return reader
