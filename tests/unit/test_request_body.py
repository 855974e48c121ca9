"""Bodies as they arrive: in single bytes, compressed, with a field too many."""

import io
import itertools
import time
from types import SimpleNamespace
from typing import Any

import pytest

from parrot.budget import Budget
from parrot.errors import InvalidImage, InvalidRequest, Overloaded, RequestTimeout, UnsupportedMedia
from parrot.http import transfers
from tests.support.bodies import FORM, JSON, admitted, arriving, fields, submitted
from tests.support.photos import encoded, noise

MOST_FIELDS = 100


class Trickle(io.BytesIO):
    """Returns a single byte per read, however many are wanted."""

    def readinto(self, buffer: Any, /) -> int:
        return super().readinto(memoryview(buffer)[:1])


def test_single_bytes_beyond_the_budget_are_turned_away() -> None:
    """A byte takes 33 more: a body of a few MB in single bytes would fill an instance."""
    budget = Budget(2**16, patience=0.0)
    first = arriving(b"x" * 1000, "image/jpeg")
    with admitted(first, budget):
        transfers.read(first, most=1000)
        second = arriving(Trickle(b"x" * 2000), "image/jpeg")
        with admitted(second, budget), pytest.raises(Overloaded):
            transfers.read(second, most=2000)


def test_a_body_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte every four seconds held a thread indefinitely; a weak signal brings 4 kB a second."""
    clock = itertools.count(step=4)
    times = {"monotonic": lambda: next(clock), "thread_time": lambda: 0.0, "sleep": time.sleep}
    monkeypatch.setattr(transfers, "time", SimpleNamespace(**times))
    body = Trickle(b"x" * 2000)
    request = arriving(body, "image/jpeg")
    with admitted(request, Budget(2**20)), pytest.raises(RequestTimeout, match="too slowly"):
        transfers.read(request, most=2000)
    assert body.tell() < 5
    assert transfers.seconds_for(80 * 1024) == 20


@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, gzip"])
def test_a_compressed_body_is_refused_and_the_answer_says_why(encoding: str) -> None:
    """It could unpack to any size; "not an image" would not help the author of a client."""
    for kind in ("image/jpeg", FORM, JSON):
        with pytest.raises(UnsupportedMedia, match=rf"compressed \({encoding}\)"):
            submitted(b"x", kind, **{"Content-Encoding": encoding.upper()})
    with pytest.raises(UnsupportedMedia):
        fields(b"x", **{"Content-Encoding": encoding})
    photo = encoded(noise(16, 12))
    assert submitted(photo, "image/jpeg", **{"Content-Encoding": "identity"}).photos


@pytest.mark.parametrize("kind", [FORM, JSON])
@pytest.mark.parametrize("count", [MOST_FIELDS, MOST_FIELDS + 1])
def test_a_body_has_a_hundred_fields_at_most(kind: str, count: int) -> None:
    """Millions of empty ones fit into the bytes of a photo."""
    names = [f"f{number}" for number in range(count)]
    if kind == FORM:
        body = "&".join(f"{name}=1" for name in names)
    else:
        body = "{" + ",".join(f'"{name}": 1' for name in names) + "}"
    # So few are read, and then there is no photo among them.
    error = InvalidImage if count == MOST_FIELDS else InvalidRequest
    with pytest.raises(error):
        submitted(body.encode(), kind)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JSON, b"[" + b"{}," * 300_000 + b"{}]"),
        (FORM, b"a&" * 300_000),
        (JSON, b'{"image": "eA==", "x": [' + b"1," * 200 + b"1]}"),
    ],
    ids=["empty objects", "empty fields", "a list in a field"],
)
def test_more_values_than_any_client_sends_are_refused(kind: str, body: bytes) -> None:
    """Parsed, a million empty ones would take gigabytes."""
    with pytest.raises(InvalidRequest):
        submitted(body, kind)


@pytest.mark.parametrize(
    "body",
    [
        b'{"s\xe4ecies": "amazona"}',
        b'{"species": "ama\xffzona"}',
        b'{"index": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_not_quite_json_is_the_callers_mistake(body: bytes) -> None:
    """It was a 500: fuzzing found letters that are not UTF-8."""
    with pytest.raises(InvalidRequest):
        fields(body)
