"""Bodies and readers made to exhaust the functions, which must answer, live and stay small."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from local import stack
from parrot.budget import MIB
from tests.support import hostile
from tests.support.phone import BASE, Phone
from tests.support.photos import encoded, noise
from tests.support.problems import assert_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.stack import Running

MOST_BYTES = 512 * MIB
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
PARTS = {"Content-Type": "multipart/form-data; boundary=b"}


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


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory, shared_model: str) -> Iterator[Running]:
    """A stack of its own: other tests would be told that theirs is overloaded."""
    with stack.running(tmp_path_factory.mktemp("attacked"), model_server=shared_model) as running:
        yield running


@pytest.fixture
def running_url(attacked: Running) -> str:
    return attacked.url


@pytest.fixture
def classify_url(attacked: Running) -> str:
    return f"{attacked.url}{BASE}/classify"


@pytest.fixture
def functions(attacked: Running) -> int:
    return next(pid for name, _, pid in attacked.parts if name == "functions")


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
    classify_url: str, functions: int, headers: dict[str, str], make: Callable[[], bytes]
) -> None:
    """An instance of 1 GiB serves everyone, even while it is attacked."""
    body = make()
    honest = encoded(noise(1200, 900))
    with Peak(functions) as peak, ThreadPoolExecutor(9) as pool:
        hostile_ones = [
            pool.submit(requests.post, classify_url, body, headers=headers, timeout=60)
            for _ in range(8)
        ]
        answer = requests.post(classify_url, files={"image": honest}, timeout=60)
        for future in hostile_ones:
            response = future.result()
            assert response.status_code < 500 or response.json()["code"] == "overloaded"
    assert answer.status_code == 200, answer.text
    assert peak.bytes < MOST_BYTES, f"{peak.bytes / MIB:.0f} MiB"


def test_a_refused_body_is_not_kept(classify_url: str, functions: int) -> None:
    """Each refusal held its body and frames until the collector ran: 1.1 GB after a while."""
    body = b'{"image": "' + b"!" * 20_000_000 + b'"}'
    (process,) = psutil.Process(functions).children()  # gunicorn's worker
    for _ in range(3):
        requests.post(classify_url, body, headers=JSON, timeout=60)
    before = process.memory_info().rss
    for _ in range(10):
        assert_problem(
            requests.post(classify_url, body, headers=JSON, timeout=60), 400, "invalid_image"
        )
    assert process.memory_info().rss - before < 3 * len(body)


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


def test_a_body_in_single_bytes_is_refused_before_it_costs_seconds(running_url: str) -> None:
    """Each chunk of one byte costs a copy of what comes after it: 9 MB took 21 s of CPU."""
    with sending(running_url, "Transfer-Encoding: chunked") as phone:
        phone.settimeout(60)
        with contextlib.suppress(OSError):  # refused while it is sent
            for _ in range(100):
                phone.sendall(b"1\r\nx\r\n" * 100_000)
                if select.select([phone], [], [], 0)[0]:
                    break
        answer = phone.recv(65536)
    assert b" 400 " in answer
    assert b"too many small chunks" in answer


def test_a_body_that_drips_is_cut_off(running_url: str) -> None:
    """One byte every four seconds held a thread indefinitely."""
    with sending(running_url, "Content-Length: 2000000") as phone:
        for _ in range(30):
            phone.sendall(b"x")
            if select.select([phone], [], [], 1)[0]:
                break
        phone.settimeout(5)
        assert b" 408 " in phone.recv(4096)


def test_half_sent_requests_do_not_delay_others(classify_url: str, running_url: str) -> None:
    """Sixteen of them took every thread for a minute."""
    half = [sending(running_url, "Content-Length: 1000000") for _ in range(16)]
    head = sending(running_url, "Content-Length: 0", rest="")
    try:
        for connection in half:
            connection.sendall(b"\xff\xd8\xff")
        answer = requests.post(classify_url, files={"image": encoded(noise())}, timeout=30)
        assert answer.status_code == 200
        assert not select.select(half, [], [], 0)[0], "answered only after these were given up"
        half[0].settimeout(30)
        assert b" 408 " in half[0].recv(4096)
        head.settimeout(30)
        assert not head.recv(4096), "its head may not take longer either"
    finally:
        for connection in (*half, head):
            connection.close()


def test_clients_that_keep_their_end_open_do_not_delay_others(running_url: str) -> None:
    """Gunicorn waited two seconds for each of them, and answered nobody meanwhile."""
    ana = Phone(running_url, "ana")
    open_ends = []
    for _ in range(20):
        client, host = connected(running_url)
        head = f"GET {BASE}/observations HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        client.sendall(head.encode())
        open_ends.append(client)
    started = time.monotonic()
    assert ana.get("/observations").status_code == 200
    assert time.monotonic() - started < 4
    assert all(b" 401 " in received(client) for client in open_ends)


GET = b"GET /parrot-classifier/observations HTTP/1.1\r\nHost: 127.0.0.1\r\n"


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
    ):
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


def test_many_slow_bodies_do_not_delay_others(classify_url: str, running_url: str) -> None:
    """Eighty of them took every thread; now most end when three quarters of the threads wait."""
    slow = [sending(running_url, "Content-Length: 1000000") for _ in range(80)]
    try:
        for connection in slow:
            connection.sendall(bytes(5000))
        answer = requests.post(classify_url, files={"image": encoded(noise())}, timeout=30)
        assert answer.status_code == 200
        until = time.monotonic() + 5
        while len(ended := select.select(slow, [], [], 0)[0]) < 40 and time.monotonic() < until:
            time.sleep(0.05)
        assert len(ended) >= 40
        assert all(b" 408 " in connection.recv(4096) for connection in ended)
    finally:
        for connection in slow:
            connection.close()


def test_readers_that_read_nothing_take_little_and_are_cut_off(
    running_url: str, functions: int
) -> None:
    """Each held the whole photo, and a thread for as long as it liked."""
    photo = encoded(noise(1900, 1900), "PNG")
    silent = []
    with Peak(functions) as peak:
        for _ in range(4):  # twenty of one user are just within the quota
            ana = Phone(running_url, f"ana-{uuid.uuid4().hex}")
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
