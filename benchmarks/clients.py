"""Clients: requests are prepared before the clock starts, and sent one by one or in parallel."""

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple
from urllib.parse import urlencode

from urllib3 import BaseHTTPResponse, PoolManager
from urllib3.exceptions import HTTPError
from urllib3.filepost import encode_multipart_formdata

from benchmarks.photos import PhotoFile

CLIENTS = 8
WAYS = ("multipart", "raw", "JSON", "form b64")
_PATH = "/parrot-classifier/classify"
_TIMEOUT_SECONDS = 120
_FIRST_TRY_SECONDS = 60.0
_POLL_SECONDS = 0.01
_OK = 200


class WrongAnswer(Exception):
    """The answer was not a 200, so there is nothing to measure."""


class Prepared(NamedTuple):
    """One prepared request."""

    method: str
    url: str
    body: bytes
    headers: dict[str, str]


def classify(url: str, sample: PhotoFile, way: str = "multipart") -> Prepared:
    """A photo in one of the ways to send it."""
    text = base64.b64encode(sample.data).decode()
    match way:
        case "multipart":
            file = ("photo", sample.data, sample.media_type)
            body, media_type = encode_multipart_formdata({"image": file})
        case "raw":
            body, media_type = sample.data, sample.media_type
        case "JSON":
            body, media_type = json.dumps({"image": text}).encode(), "application/json"
        case _:  # form b64
            body = urlencode({"b64": text}).encode()
            media_type = "application/x-www-form-urlencoded"
    return Prepared("POST", url + _PATH, body, {"Content-Type": media_type})


class Connections:
    """A client that keeps its connections.

    Its own overhead is part of every measurement: requests took half a millisecond more.
    """

    def __init__(self, connections: int = 1) -> None:
        """No connection is made here."""
        self._pools = PoolManager(maxsize=connections, retries=False, timeout=_TIMEOUT_SECONDS)

    def send(self, ask: Prepared) -> tuple[float, BaseHTTPResponse]:
        """Seconds to the whole answer, and the answer. Raises WrongAnswer, HTTPError."""
        started = time.perf_counter()
        response = self._pools.urlopen(ask.method, ask.url, body=ask.body, headers=ask.headers)
        seconds = time.perf_counter() - started
        if response.status != _OK:
            raise WrongAnswer(f"{ask.url} answers {response.status}: {response.data!r:.500}")
        return seconds, response


def first_answer(ask: Prepared) -> None:
    """Ask until the answer is a 200. Raises WrongAnswer, HTTPError after a minute."""
    connections = Connections()
    deadline = time.monotonic() + _FIRST_TRY_SECONDS
    while True:
        try:
            connections.send(ask)
        except (HTTPError, WrongAnswer):
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_SECONDS)
        else:
            return


def burst(ask: Prepared, total: int) -> tuple[float, list[float]]:
    """Answers per second when CLIENTS share `total` requests, and the seconds of each.

    Where there are enough requests, the rate is that of the time in which all clients are busy: at
    the end fewer and fewer of them are.
    """
    connections = Connections(CLIENTS)

    def send(_number: int) -> tuple[float, float]:
        seconds, _ = connections.send(ask)
        return time.perf_counter(), seconds

    with ThreadPoolExecutor(CLIENTS) as crowd:
        started = time.perf_counter()
        answers = list(crowd.map(send, range(total)))
    ends = sorted(end for end, _ in answers)
    if total > 2 * CLIENTS:
        rate = (total - 2 * CLIENTS) / (ends[-CLIENTS - 1] - ends[CLIENTS - 1])
    else:
        rate = total / (ends[-1] - started)
    return rate, [seconds for _, seconds in answers]
