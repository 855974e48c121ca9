"""Clients: requests are prepared before the clock starts, and sent one by one or in parallel."""

from __future__ import annotations

import base64
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from benchmarks.photos import Sample

_PATH = "/parrot-classifier/classify"
_TIMEOUT_SECONDS = 120
_FIRST_TRY_SECONDS = 60.0
_POLL_SECONDS = 0.01
_OK = 200


class WrongAnswer(Exception):
    """The answer was not a 200, so there is nothing to measure."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One prepared request."""

    request: requests.PreparedRequest

    @classmethod
    def multipart(cls, url: str, sample: Sample) -> Ask:
        """A multipart file, as in the README."""
        files = {"image": ("photo", sample.data, sample.media_type)}
        return cls(requests.Request("POST", url + _PATH, files=files).prepare())

    @classmethod
    def raw(cls, url: str, sample: Sample) -> Ask:
        """The file itself."""
        headers = {"Content-Type": sample.media_type}
        return cls(
            requests.Request("POST", url + _PATH, data=sample.data, headers=headers).prepare()
        )

    @classmethod
    def json(cls, url: str, sample: Sample) -> Ask:
        """Base64 in JSON."""
        body = {"image": base64.b64encode(sample.data).decode()}
        return cls(requests.Request("POST", url + _PATH, json=body).prepare())

    @classmethod
    def first_version(cls, url: str, sample: Sample) -> Ask:
        """The form field `b64`."""
        form = {"b64": base64.b64encode(sample.data).decode()}
        return cls(requests.Request("POST", url + _PATH, data=form).prepare())


WAYS = {
    "multipart": Ask.multipart,
    "raw": Ask.raw,
    "JSON": Ask.json,
    "form b64": Ask.first_version,
}


class Phone:
    """A client that keeps its connection.

    Its own overhead is part of every measurement, so it does little: requests took half a
    millisecond more than the pools that it is built on.
    """

    def __init__(self, connections: int = 1) -> None:
        """No connection is made here."""
        self._pools = PoolManager(maxsize=connections, retries=False, timeout=_TIMEOUT_SECONDS)

    def send(self, ask: Ask) -> tuple[float, BaseHTTPResponse]:
        """Seconds to the whole answer, and the answer. Raises WrongAnswer, HTTPError."""
        request = ask.request
        started = time.perf_counter()
        response = self._pools.urlopen(
            str(request.method), str(request.url), body=request.body, headers=request.headers
        )
        seconds = time.perf_counter() - started
        if response.status != _OK:
            raise WrongAnswer(f"{request.url} answers {response.status}: {response.data!r:.500}")
        return seconds, response


def first_answer(ask: Ask) -> None:
    """Ask until the answer is a 200. Raises WrongAnswer after a minute."""
    phone = Phone()
    deadline = time.monotonic() + _FIRST_TRY_SECONDS
    while True:
        try:
            phone.send(ask)
        except (HTTPError, WrongAnswer) as error:
            if time.monotonic() > deadline:
                raise WrongAnswer(f"no answer within a minute: {error}") from error
            time.sleep(_POLL_SECONDS)
        else:
            return


def burst(ask: Ask, *, clients: int, total: int) -> tuple[float, list[float]]:
    """Answers per second when `clients` share `total` requests, and the seconds of each.

    Where there are enough requests, the rate is that of the time in which all clients are busy: at
    the end fewer and fewer of them are.
    """
    phone = Phone(clients)

    def send() -> tuple[float, float]:
        seconds, _ = phone.send(ask)
        return time.perf_counter(), seconds

    with ThreadPoolExecutor(clients) as crowd:
        started = time.perf_counter()
        answers = [answer.result() for answer in [crowd.submit(send) for _ in range(total)]]
    ends = sorted(end for end, _ in answers)
    if total > 2 * clients:
        rate = (total - 2 * clients) / (ends[-clients - 1] - ends[clients - 1])
    else:
        rate = total / (ends[-1] - started)
    return rate, [seconds for _, seconds in answers]
