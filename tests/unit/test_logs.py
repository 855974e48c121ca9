"""What is logged, and how often."""

import io
import json
import logging
import warnings
from collections.abc import Iterator

import pytest

from parrot import logs


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """The log of a process that has just started."""
    out = io.StringIO()
    logger = logging.getLogger("parrot")
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "propagate", logger.propagate)
    monkeypatch.setattr("sys.stdout", out)
    with warnings.catch_warnings():
        logs.configure(None)
        yield out


def test_a_repeated_library_warning_is_one_line(log: io.StringIO) -> None:
    """Pillow warns of each photo, in words that differ each time."""
    for number in range(3):
        warnings.warn(f"Image size ({number} pixels) exceeds the limit", UserWarning, stacklevel=1)
    (line,) = log.getvalue().splitlines()
    entry = json.loads(line)
    assert entry["severity"] == "WARNING"
    assert entry["message"] == "Image size (0 pixels) exceeds the limit"
    assert entry["warning"] == "UserWarning"
    assert entry["at"].startswith("test_logs.py:")


@pytest.mark.parametrize(
    ("sent", "logged"),
    [("2.3.1", "2.3.1"), ("web-1a+b_c", "web-1a+b_c"), ("(saved)", None), ("a" * 33, None)],
)
def test_an_app_names_its_version_and_nothing_else(
    log: io.StringIO, sent: str, logged: str | None
) -> None:
    """The header is anybody's to fill; a bad one must not cost the answer."""
    logs.begin(None, sent)
    logs.apart("photo", {"side": 240})
    assert json.loads(log.getvalue()) == {
        "severity": "INFO",
        "message": "photo",
        **({} if logged is None else {"app": logged}),
        "side": 240,
    }


def test_a_request_says_nothing_of_the_one_before(log: io.StringIO) -> None:
    """One thread answers many people."""
    logs.begin("0af7651916cd43dd8448eb211c80319c", "2.3.1")
    logs.note(user="ana")
    logs.request()
    logs.begin(None)
    logs.request()
    logs.apart("photo", {})
    first, second, photo = map(json.loads, log.getvalue().splitlines())
    assert first["user"] == "ana"
    assert second.keys() == {"severity", "message", "request_id"}
    assert second["request_id"] != first["request_id"]
    assert "app" not in photo
