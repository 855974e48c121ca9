"""Good requests of every kind, changed in one place or a few: none may break the stack."""

import base64
import json
import re
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import psutil
import pytest
import urllib3
from cloudevents.conversion import to_binary, to_structured
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests import PreparedRequest, Request

from local.stack import BUCKET, Running
from tests.support.events import event
from tests.support.phone import BASE, Phone
from tests.support.photos import encoded, noise

USER = {"Authorization": "Bearer local:changed"}
LATER = {"overloaded", "model_unavailable", "model_timeout", "decoder_unavailable"}
ODD = (
    *(b"", b"\0", b"\xff\xfe", b"%00", b"../../..", b"'\"<>&;", b"{}[]", b"-1", b"1e400", b"NaN"),
    *(b"9" * 40, "\U0001f99c".encode(), b"%F0%9F", b"\r", b"a" * 5000, b"null", b"\\u0000"),
)
Change = tuple[str, int, int, bytes]  # part, where it begins, how much goes, what comes instead
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["body", "path", *USER, "Content-Type", "If-Match", "Range", "ce-type"]),
        st.integers(0, 1 << 16),
        st.sampled_from([0, 1, 2, 8, 64, 1 << 16]),
        st.sampled_from(ODD) | st.binary(max_size=16),
    ),
    min_size=1,
    max_size=4,
)


@pytest.fixture(scope="module")
def good(running: Running) -> list[PreparedRequest]:
    """A good request of each kind."""
    photo = encoded(noise(32, 24))
    one = f"/observations/{Phone(running.url, 'changed').save(1)}"

    def call(method: str, path: str, headers: dict[str, str] | None = None, **body: Any) -> Request:
        return Request(method, running.url + BASE + path, {**USER, **(headers or {})}, **body)

    def base64_of(data: bytes) -> str:
        return base64.b64encode(data).decode()

    requests = [
        call("GET", "/observations?page_size=2&status=ready"),
        call("GET", "/observations?page_token=AQIDBAUGBwgJCgsMDQ4P"),
        call("GET", one, {"If-None-Match": '"a.1.2"', "Range": "bytes=0-9"}),
        call("GET", f"{one}/image?token=AAAA.BBBB.CCCC"),
        call("PATCH", one, {"If-Match": '"1-2.3"'}, json={"species": "amazona", "text": "mine"}),
        call("DELETE", f"{one}0", {"If-Match": '"1-2"'}),
        call("OPTIONS", "/save", {"Access-Control-Request-Method": "POST"}),
    ]
    stored = event(name="photos/changed/x", bucket=BUCKET)
    for headers, body in (to_structured(stored), to_binary(stored)):
        requests.append(Request("POST", running.urls["process"], headers=headers, data=body))
    for path in ("/classify?top=3", "/save?index=1"):
        requests += [
            call("POST", path, {"Content-Type": "image/jpeg"}, data=photo),
            call("POST", path, json={"image": base64_of(photo), "index": 2}),
            call("POST", path, data={"index": "1", "b64": base64_of(photo)}),
            call("POST", path, files={"image": photo}, data={"index": "2"}),
        ]
    return [request.prepare() for request in requests]


def changed(request: PreparedRequest, changes: list[Change]) -> tuple[str, dict[str, str], bytes]:
    """Path, headers and body of the request after the changes."""
    body = request.body or b""
    parts = {
        "path": request.path_url.encode(),
        "body": body.encode() if isinstance(body, str) else body,
        **{name: value.encode() for name, value in request.headers.items()},
    }
    parts.pop("Content-Length", None)
    for part, begin, length, instead in changes:
        if before := parts.get(part):
            at = begin % (len(before) + 1)
            parts[part] = before[:at] + instead + before[at + length :]
    path = "/" + quote(parts.pop("path"), safe="/?&=%+.,-_~").lstrip("/")
    body = parts.pop("body")
    headers = {
        name: re.sub(r"[\r\n\0]", "", value.decode("latin-1")) for name, value in parts.items()
    }
    return path, headers, body


def assert_allowed(path: str, status: int, media_type: str, body: bytes) -> None:
    """A success, a problem that the caller can fix, or one that means "later"."""
    if status < 400:
        return
    plain = unquote(path.partition("?")[0])
    # The page answers other paths; functions-framework itself those with a line break.
    if f"{plain}/".startswith(f"{BASE}/") and "\n" not in plain:
        assert media_type == "application/problem+json", body
    if status >= 500 or media_type == "application/problem+json":
        problem = json.loads(body)
        assert status < 500 or problem["code"] in LATER, problem


@given(st.data())
@settings(max_examples=300, suppress_health_check=list(HealthCheck))
def test_no_changed_request_breaks_the_stack(
    running: Running, good: list[PreparedRequest], data: st.DataObject
) -> None:
    """No 5xx but those that mean "later", only problems, and every process lives."""
    request = data.draw(st.sampled_from(good))
    path, headers, body = changed(request, data.draw(CHANGES))
    at = urlsplit(str(request.url))
    with urllib3.HTTPConnectionPool(str(at.hostname), at.port, timeout=30, retries=False) as pool:
        answer = pool.urlopen(str(request.method), path, body=body or None, headers=headers)
    assert_allowed(path, answer.status, answer.headers.get("Content-Type", ""), answer.data)
    states = {psutil.Process(pid).status() for pid in running.pids.values()}
    assert psutil.STATUS_ZOMBIE not in states
