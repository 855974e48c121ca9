"""Requests made to exhaust the functions: bodies, and connections half sent, never closed or read.

The functions must answer, live and stay small.
"""

import contextlib
import json
import select
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from local import stack
from local.stack import Running
from parrot.budget import MIB
from tests.support import hostile
from tests.support.attacked import MOST_BYTES, Peak, classify_url, connected, received, sending
from tests.support.phone import BASE, Phone
from tests.support.photos import encoded, noise
from tests.support.waiting import soon

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
PARTS = {"Content-Type": "multipart/form-data; boundary=b"}


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory, shared_model: str) -> Iterator[Running]:
    """A stack of its own: other tests would be told that theirs is overloaded."""
    with stack.running(tmp_path_factory.mktemp("attacked"), model_server=shared_model) as running:
        yield running


def honest_form() -> bytes:
    """As the first version's phones send a photo of 19.5 MB."""
    return b"b64=" + b"/9j/" + b"A" * 27_000_000


@pytest.mark.parametrize(
    ("headers", "make"),
    [
        pytest.param(FORM, lambda: b"b64=" + b"%41" * 10_000_000, id="percent-encoded letters"),
        pytest.param(FORM, honest_form, id="forms of 19.5 MB"),
        pytest.param(PARTS, lambda: b"--b\r\nX: " + b"y" * 25_000_000, id="headers of a part"),
        pytest.param(
            PARTS,
            lambda: b'--b\r\nContent-Disposition: form-data; name="' + b"\\" * 21_000_000,
            id="a name of 21 MB",
        ),
        pytest.param(
            JSON,
            lambda: b'{"image": "' + b"A" * 25_000_000 + "😀".encode() + b'"}',
            id="JSON with one emoji",
        ),
        pytest.param({"Content-Type": "image/webp"}, hostile.large_webp, id="WebP of 38 bytes"),
        pytest.param(
            {"Content-Type": "image/avif"}, hostile.AVIF_LIAR.read_bytes, id="AVIF that lies"
        ),
        pytest.param(
            {"Content-Type": "image/jpeg"},
            lambda: hostile.many_rationals(2_000_000),
            id="orientation of two million fractions",
        ),
    ],
)
def test_eight_at_once_stay_under_half_a_gigabyte_and_an_honest_photo_is_answered(
    attacked: Running, headers: dict[str, str], make: Callable[[], bytes]
) -> None:
    """An instance of 1 GiB serves everyone, even while it is attacked."""
    body = make()
    honest = encoded(noise(1200, 900))
    with Peak(attacked.pids["functions"]) as peak, ThreadPoolExecutor(9) as pool:
        hostile_ones = [
            pool.submit(requests.post, classify_url(attacked), body, headers=headers, timeout=60)
            for _ in range(8)
        ]
        answer = requests.post(classify_url(attacked), files={"image": honest}, timeout=60)
        for future in hostile_ones:
            response = future.result()
            assert response.status_code < 500 or response.json()["code"] == "overloaded"
    assert answer.status_code == 200, answer.text
    assert peak.bytes < MOST_BYTES, f"{peak.bytes / MIB:.0f} MiB"


def test_a_body_in_single_bytes_is_refused_before_it_costs_seconds(attacked: Running) -> None:
    """Each chunk of one byte costs a copy of what comes after it: 9 MB took 21 s of CPU."""
    with sending(attacked.url, "Transfer-Encoding: chunked") as phone:
        phone.settimeout(60)
        with contextlib.suppress(OSError):  # refused while it is sent
            for _ in range(100):
                phone.sendall(b"1\r\nx\r\n" * 100_000)
                if select.select([phone], [], [], 0)[0]:
                    break
        answer = phone.recv(65536)
    assert b" 400 " in answer
    assert b"too many small chunks" in answer


def test_many_slow_bodies_do_not_delay_others(attacked: Running) -> None:
    """Eighty of them took every thread; now most end when three quarters of the threads wait."""
    slow = [sending(attacked.url, "Content-Length: 1000000") for _ in range(80)]
    try:
        for connection in slow:
            connection.sendall(bytes(5000))
        photo = {"image": encoded(noise())}
        answer = requests.post(classify_url(attacked), files=photo, timeout=30)
        assert answer.status_code == 200
        until = time.monotonic() + 5
        while len(ended := select.select(slow, [], [], 0)[0]) < 40 and time.monotonic() < until:
            time.sleep(0.05)
        assert len(ended) >= 40
        assert all(b" 408 " in connection.recv(4096) for connection in ended)
    finally:
        for connection in slow:
            connection.close()


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
