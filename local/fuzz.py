"""Mutated requests against a running stack: no input may break it.

Good requests of every kind are changed at random: bytes flipped, cut, doubled, swapped for odd
ones, in bodies, paths, queries and headers. A seed repeats a run.
"""

from __future__ import annotations

import base64
import io
import json
import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

import numpy as np
import requests
import urllib3
from PIL import Image

from local.stack import BUCKET

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from local.stack import Running

BASE = "/parrot-classifier"
USER = "Bearer local:fuzz"
ALLOWED = frozenset({"overloaded", "model_unavailable", "model_timeout", "decoder_unavailable"})
_TIMEOUT_SECONDS = 30.0
_SERVER_ERROR, _ERROR = 500, 400
_ODD = (
    *(b"", b"\0", b"\xff\xfe", b"%00", b"../../..", b"'\"<>&;", b"{}[]", b"-1", b"1e400", b"NaN"),
    *(
        b"9" * 40,
        "\U0001f99c".encode(),
        b"%F0%9F",
        b"\r",
        b"a" * 5000,
        b"null",
        b"true",
        b"\\u0000",
    ),
)
_BOUNDARY = "----parrot"


@dataclass(frozen=True, slots=True)
class Sample:
    """A request before or after it was changed; `function` is where it goes to."""

    function: str  # functions or process
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Finding:
    """A request that was answered as none may be."""

    sample: Sample
    answer: str


def samples(photos: Sequence[bytes], observation: str, file_path: str, bucket: str) -> list[Sample]:
    """A good request of each kind."""
    user = {"Authorization": USER}
    form = "application/x-www-form-urlencoded"
    parts = f"multipart/form-data; boundary={_BOUNDARY}"
    one = f"{BASE}/observations/{observation}"
    made = [
        Sample("functions", "GET", f"{BASE}/observations?page_size=2&status=ready", user),
        Sample("functions", "GET", f"{BASE}/observations?page_token=AQIDBAUGBwgJCgsMDQ4P", user),
        Sample("functions", "GET", one, {**user, "If-None-Match": '"a.1.2"', "Range": "bytes=0-9"}),
        Sample("functions", "GET", file_path),
        Sample("functions", "DELETE", f"{one}0", {**user, "If-Match": '"1-2"'}),
        Sample("functions", "OPTIONS", f"{BASE}/save", {"Access-Control-Request-Method": "POST"}),
        Sample("process", "POST", "/", {"Content-Type": "application/json"}, b'{"a": 1}'),
    ]
    for change in ({"species": "amazona"}, {"index": 3}):
        body = json.dumps(change).encode()
        headers = {**user, "Content-Type": "application/json", "If-Match": '"1-2.3"'}
        made.append(Sample("functions", "PATCH", one, headers, body))
    data = {"bucket": bucket, "name": "photos/fuzz/x", "generation": "1", "size": "9",
            "contentType": "image/jpeg", "timeCreated": "2026-11-24T10:00:00Z"}  # fmt: skip
    event = {"specversion": "1.0", "type": "google.cloud.storage.object.v1.finalized", "id": "1",
             "source": "//storage", "subject": "objects/photos/fuzz/x", "data": data}  # fmt: skip
    kind = {"Content-Type": "application/cloudevents+json"}
    made.append(Sample("process", "POST", "/", kind, json.dumps(event).encode()))
    binary = {f"ce-{name}": str(value) for name, value in event.items() if name != "data"}
    binary["Content-Type"] = "application/json"
    made.append(Sample("process", "POST", "/", binary, json.dumps(data).encode()))
    for photo in photos:
        text = base64.b64encode(photo)
        image = json.dumps({"image": text.decode(), "index": 2}).encode()
        b64 = b"index=1&b64=" + quote(text, safe="").encode()
        multipart = (
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="index"\r\n\r\n2\r\n'
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n"
        ).encode() + photo + f"\r\n--{_BOUNDARY}--\r\n".encode()  # fmt: skip
        for path in (f"{BASE}/classify?top=3", f"{BASE}/save?index=1"):
            keyed = {**user, "Idempotency-Key": "k"} if "save" in path else {}
            for sent, content in (
                ("image/jpeg", photo),
                ("application/json", image),
                (form, b64),
                (parts, multipart),
            ):
                made.append(
                    Sample("functions", "POST", path, {**keyed, "Content-Type": sent}, content)
                )
    return made


def mutated(sample: Sample, chance: random.Random) -> Sample:
    """Changed in one place or a few."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        part = chance.choice(("body", "body", "body", "path", "headers"))
        if part == "body" and sample.body:
            sample = replace(sample, body=_bytes(sample.body, chance))
        elif part == "path":
            path = _bytes(sample.path.encode(), chance)
            sample = replace(sample, path="/" + quote(path, safe="/?&=%+.,-_~").lstrip("/"))
        elif sample.headers:
            name = chance.choice(sorted(sample.headers))
            value = _bytes(sample.headers[name].encode(), chance).decode("latin-1")
            clean = "".join(letter for letter in value if letter not in "\r\n\0")
            sample = replace(sample, headers={**sample.headers, name: clean})
    return sample


def _bytes(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    end = min(len(data), at + chance.choice((1, 2, 8, 64)))
    match chance.randrange(6):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + chance.choice(_ODD) + data[at:]
        case 2:
            return data[:at] + chance.choice(_ODD) + data[end:]
        case 3:
            return data[:at] + data[at:end] * chance.choice((2, 50)) + data[end:]
        case 4:
            return data[:at] + chance.randbytes(end - at) + data[end:]
        case _:
            return data[:at] + data[end:]


def session(running: Running, *, inputs: int, seed: int) -> Iterator[Finding]:
    """Save a photo to have something to ask about, then send changed requests."""
    urls = {name: url for name, url, _ in running.parts}
    rng = np.random.default_rng(seed)
    photos = []
    for kind in ("JPEG", "PNG", "WEBP"):
        out = io.BytesIO()
        Image.fromarray(rng.integers(0, 255, (24, 32, 3), np.uint8)).save(out, kind)
        photos.append(out.getvalue())
    saved = requests.post(
        f"{urls['functions']}{BASE}/save?index=1",
        data=photos[0],
        headers={"Authorization": USER},
        timeout=_TIMEOUT_SECONDS,
    ).json()
    path = f"{BASE}/observations/{saved['id']}/image?token=AAAA.BBBB.CCCC"
    good = samples(photos, saved["id"], path, BUCKET)
    yield from run(urls, good, inputs=inputs, seed=seed)


def run(
    urls: Mapping[str, str],
    good: Sequence[Sample],
    *,
    inputs: int,
    seed: int,
) -> Iterator[Finding]:
    """Send so many changed requests; what must not have been answered."""
    chance = random.Random(seed)
    pool = urllib3.PoolManager(retries=False, timeout=_TIMEOUT_SECONDS, maxsize=1)
    for _ in range(inputs):
        sample = mutated(chance.choice(good), chance)
        problem = _send(pool, urls[sample.function], sample)
        if problem is not None:
            yield Finding(sample, problem)


def _send(pool: urllib3.PoolManager, url: str, sample: Sample) -> str | None:
    """None where the answer is one that may be."""
    at = urlsplit(url)
    connection = pool.connection_from_host(at.hostname or "", at.port)
    try:
        answer = connection.urlopen(
            sample.method, sample.path, body=sample.body or None, headers=dict(sample.headers)
        )
    except urllib3.exceptions.HTTPError as error:
        return repr(error)
    return judge(sample, answer.status, answer.headers.get("Content-Type", ""), answer.data)


def judge(sample: Sample, status: int, media_type: str, body: bytes) -> str | None:
    """What is wrong with an answer; None if nothing is."""
    if status < _ERROR or sample.method == "HEAD":
        return None
    path = unquote(sample.path.partition("?")[0])  # others are the page's: files, and HTML
    # functions-framework itself answers a path with a line break, and its gunicorn broken headers.
    ours = f"{path}/".startswith(f"{BASE}/") and "\n" not in path
    if media_type != "application/problem+json":
        return f"{status} {media_type}: {body[:200]!r}" if ours or status >= _SERVER_ERROR else None
    try:
        code = json.loads(body)["code"]
    except (ValueError, KeyError):
        return f"{status} is not a problem: {body[:200]!r}"
    if status >= _SERVER_ERROR and code not in ALLOWED:
        return f"{status} {code}: {body[:200]!r}"
    return None
