"""Bodies made to exhaust the functions, which must answer, live and stay small."""

import contextlib
import select
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from local.stack import Running
from parrot.budget import MIB
from tests.support import hostile
from tests.support.attacked import MOST_BYTES, Peak, classify_url, sending
from tests.support.photos import encoded, noise

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
PARTS = {"Content-Type": "multipart/form-data; boundary=b"}


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
