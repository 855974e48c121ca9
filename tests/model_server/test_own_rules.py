"""Where our server deliberately reports more than TF Serving, or earlier."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
import requests

from local.model_server.bodies import MAX_BODY_BYTES
from tests.model_server.asking import BAD_REQUEST, assert_error, b64, outputs
from tests.model_server.conftest import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.model_server.conftest import Serving

TOO_LARGE = 413


def test_a_row_with_a_repeated_key_is_refused(server: Serving) -> None:
    """TF Serving takes both values, which then belong to two rows."""
    response = server.predict("half_plus_two", b'{"instances": [{"x": 1, "x": 2}, {"x": 3}]}')
    assert_error(response, BAD_REQUEST)
    assert "repeated key" in response.json()["error"]


@pytest.mark.parametrize("depth", [65, 600, 1000])
def test_deep_nesting_is_a_bad_request(server: Serving, depth: int) -> None:
    """Wherever it is, and whichever part of the server fails first."""
    nested = b"[" * depth + b"]" * depth
    mixed = b'[1.0, {"x": %b}]' % nested
    for template in (b"%b", b'{"inputs": %b}', b'{"instances": %b}', b'{"signature_name": %b}'):
        for value in (nested, mixed):
            assert_error(server.predict("half_plus_two", template % value), BAD_REQUEST)


@pytest.mark.parametrize(("dtype", "value"), [("uint8", 256), ("int8", -129), ("int16", 2**15)])
def test_small_integers_do_not_wrap_around(server: Serving, dtype: str, value: int) -> None:
    """TF Serving takes them modulo their range."""
    body = {"signature_name": dtype, "instances": [value]}
    assert_error(server.predict("types", body), BAD_REQUEST)


def test_bytes_that_are_no_text_are_not_sent_as_text(server: Serving) -> None:
    """TF Serving sends them raw, in a body that is not valid JSON; our message says what helps."""
    response = server.predict("strings", {"instances": [b64(b"\xff")]})
    assert_error(response, BAD_REQUEST)
    assert "_bytes" in response.json()["error"]


def test_unknown_names_in_errors_come_with_the_known_ones(server: Serving) -> None:
    """So that a typo needs no second request."""
    body = {"instances": [1.0], "signature_name": "halv"}
    assert "halve" in server.predict("signatures", body).json()["error"]


def test_a_label_narrows_the_status(server: Serving) -> None:
    """TF Serving ignores it there and lists every version."""
    (status,) = server.get("half_plus_two/labels/stable").json()["model_version_status"]
    assert status["version"] == "1"
    assert_error(server.get("half_plus_two/labels/canary"), BAD_REQUEST)


def test_a_small_body_that_inflates_without_end_is_refused(server: Serving) -> None:
    """At the limit, not when memory runs out."""
    bomb = gzip.compress(bytes(MAX_BODY_BYTES + 1), compresslevel=1)
    response = server.predict("half_plus_two", bomb, headers={"Content-Encoding": "gzip"})
    assert_error(response, TOO_LARGE)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused_with_a_status(
    server: Serving, *, chunked: bool
) -> None:
    """Though the client is still sending: it gets an answer and not a broken connection."""
    piece = b" " * 2**20
    pieces = MAX_BODY_BYTES // len(piece) + 30
    body = (piece for _ in range(pieces)) if chunked else piece * pieces
    url = f"{server.url}/v1/models/half_plus_two:predict"
    response = requests.post(url, data=body, timeout=PATIENCE_SECONDS)
    assert_error(response, TOO_LARGE)


def test_large_answers_are_gzipped_for_who_asks(server: Serving) -> None:
    """And only for those; the answer is the same."""
    body = {"signature_name": "float32", "inputs": [0.5] * 1000}
    plain = server.predict("types", body, headers={"Accept-Encoding": "identity"})
    packed = server.predict("types", body, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.content == plain.content
    assert int(packed.headers["Content-Length"]) < len(plain.content)


def test_empty_tensors_keep_their_shape(server: Serving) -> None:
    """Nothing detected is also an answer."""
    body = {"signature_name": "float32", "inputs": [[], []]}
    assert outputs(server, "types", body) == [[], []]
