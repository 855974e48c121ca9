"""What a model server answers, and what it refuses: ours and TF Serving alike.

Runs on our server, or on the one at TF_SERVING_URL (see `fixture_models` for how to start it).
Checks statuses, keys and values, not the wording of errors. Tests with the fixture `server` are
about ours alone.
"""

import base64
import math
from typing import Any

import pytest
import requests

from models.serving.app import MAX_BODY_BYTES
from tests.serving.conftest import Serving, refused
from tests.support.serving import PATIENCE_SECONDS


def b64(data: bytes) -> dict[str, str]:
    """Write bytes the way JSON requests carry them."""
    return {"b64": base64.b64encode(data).decode()}


def test_raw_pixels_travel_as_base64(serving: Serving) -> None:
    """This is how this project's clients send photos, several at a time when many wait."""
    photos = [b64(bytes(48)), b64(b"\xff" * 48)]
    rows = serving.rows("raw_image", photos)
    assert [row["features"] for row in rows] == [[0.0] * 3, [255.0] * 3]
    assert rows[0]["probabilities"] == pytest.approx([1 / 3] * 3)
    assert serving.rows("raw_image", [{"image_bytes": photo} for photo in photos]) == rows


def test_rows_are_plain_values_or_objects_of_several(serving: Serving) -> None:
    """The documented half_plus_two example; clients that always name their input may do so."""
    assert serving.rows("half_plus_two", [1.0, 2, 5]) == [2.5, 3.0, 4.5]
    assert serving.rows("half_plus_two", [{"x": 1.0}]) == [2.5]
    rows = [{"a": [1, 2], "b": 3}, {"a": [4.5, 5], "b": -6}]
    assert serving.rows("two_inputs", rows) == [
        {"total": 6.0, "twice": 6},
        {"total": 3.5, "twice": -12},
    ]


def test_signature_name_selects_the_signature(serving: Serving) -> None:
    """And an empty name means the default, as in protobuf."""
    assert serving.predict("signatures", {"instances": [3.0]}).json() == {"predictions": [6.0]}
    assert serving.rows("signatures", [3.0], "") == [6.0]
    assert serving.rows("signatures", [3.0], "halve") == [1.5]


def test_outputs_without_a_common_batch_are_refused(serving: Serving) -> None:
    """Nobody could say which values belong together. No row at all is an answer."""
    for name, rows in (("total", [1.5]), ("signs", [1.0, 2.0, -3.0])):
        refused(serving.predict("signatures", {"signature_name": name, "instances": rows}))
    assert serving.rows("signatures", [0.0], "signs") == []


def test_a_model_of_tensorflow_1_answers(serving: Serving) -> None:
    """As the first version's could be. The graph decides which shapes it takes."""
    assert serving.rows("version_1", [[2.0], [3.0]]) == [[4.0], [4.5]]


def test_strings_come_back_as_text_and_as_base64_by_name(serving: Serving) -> None:
    """The suffix `_bytes` is TF Serving's only sign for binary; zeros at the end count."""
    row = {"same": "héllo", "same_bytes": b64("héllo".encode()), "length": 6}
    for given in ("héllo", b64("héllo".encode())):
        assert serving.rows("strings", [given]) == [row]
    assert serving.rows("strings", [b64(b"\xff\x00")], "only_bytes") == [b64(b"\xff\x00")]


def test_not_a_number_and_infinity_are_bare_words(serving: Serving) -> None:
    """Although standard JSON has neither: the functions must see that a model is broken."""
    response = serving.predict("signatures", {"signature_name": "not_finite", "instances": [1.0]})
    assert b"NaN" in response.content
    first, second, third, fourth = response.json()["predictions"][0]
    assert (first, second, fourth) == (math.inf, -math.inf, 1.0)
    assert math.isnan(third)


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("float32", [0.1, -3.4e38, 1e-20, 16777215]),
        ("float64", [0.1, 1.7e308, 2**53 - 1]),
        ("int32", [-(2**31), 2**31 - 1]),
        ("int64", [-(2**63), 2**63 - 1]),
        ("uint8", [0, 255]),
        ("bool", [True, False]),
        ("string", ["", "ü"]),
    ],
)
def test_every_type_survives_the_round_trip(
    serving: Serving, dtype: str, values: list[Any]
) -> None:
    """At its ends, and nested. 0.1 in float32 is not 0.10000000149011612."""
    assert serving.rows("types", [values, values], dtype) == [values, values]


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("float32", '"parrot"'),
        ("float32", '{"b64": "AA=="}'),
        ("int32", "1.5"),
        ("int32", "2147483648"),
        ("uint8", '"1"'),
        ("string", "1"),
        ("string", '{"b64": "*"}'),
    ],
)
def test_a_value_that_the_type_cannot_hold_is_refused(
    serving: Serving, dtype: str, value: str
) -> None:
    """Only floats are rounded; nothing else is converted silently."""
    body = f'{{"signature_name": "{dtype}", "instances": [{value}, {value}]}}'.encode()
    refused(serving.predict("types", body))


@pytest.mark.parametrize(
    ("model", "body"),
    [
        ("half_plus_two", b""),
        ("half_plus_two", b'{"instances": [' + b"[" * 5000),
        ("half_plus_two", b'{"instances": ' + b"[" * 600 + b"]" * 600 + b"}"),
        ("half_plus_two", b"{}"),
        ("half_plus_two", b'{"instances": []}'),
        ("half_plus_two", b'{"instances": [[1.0], [1.0, 2.0]]}'),
        ("half_plus_two", b'{"instances": [1.0, {"x": 1.0}]}'),
        ("half_plus_two", b'{"instances": [1.0], "signature_name": "nonesuch"}'),
        ("two_inputs", b'{"instances": [[1, 2]]}'),
        ("two_inputs", b'{"instances": [{"a": [1, 2]}]}'),
        ("raw_image", b'{"instances": [{"b64": "AAAA"}]}'),
        ("strings", b'{"signature_name": "number", "instances": ["parrot"]}'),
    ],
    ids=lambda value: value[:50].decode(errors="replace") if isinstance(value, bytes) else value,
)
def test_what_does_not_fit_the_model_is_a_bad_request(
    serving: Serving, model: str, body: bytes
) -> None:
    """Never a 500, which functions would try again: it is the caller who can fix it."""
    refused(serving.predict(model, body))


def test_unknown_names_in_errors_come_with_the_known_ones(server: Serving) -> None:
    """So that a typo needs no second request."""
    body = {"instances": [1.0], "signature_name": "halv"}
    assert "halve" in refused(server.predict("signatures", body))
    assert "a, b" in refused(server.predict("two_inputs", {"instances": [{"a": [1, 2]}]}))


def test_text_that_is_not_utf_8_is_not_sent_as_text(server: Serving) -> None:
    """TF Serving sends it raw, in a body that is not valid JSON; our message says what helps."""
    assert "_bytes" in refused(server.predict("strings", {"instances": [b64(b"\xff")]}))


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused_with_a_status(
    server: Serving, *, chunked: bool
) -> None:
    """Though the client is still sending: it gets an answer and not a broken connection."""
    piece = b" " * 2**20
    pieces = MAX_BODY_BYTES // len(piece) + 30
    body = (piece for _ in range(pieces)) if chunked else piece * pieces
    url = f"{server.url}/v1/models/half_plus_two:predict"
    refused(requests.post(url, data=body, timeout=PATIENCE_SECONDS), 413)


def test_a_version_may_be_named_and_otherwise_the_latest_answers(serving: Serving) -> None:
    """The offset in the answer is the version's number."""
    for target in ("half_plus_two", "half_plus_two/versions/2"):
        assert serving.rows(target, [0.0]) == [2.0]


@pytest.mark.parametrize(
    "target", ["nonesuch", "half_plus_two/versions/9", "half_plus_two/versions/1"]
)
def test_what_is_not_loaded_is_not_found(serving: Serving, target: str) -> None:
    """Nor is an older version that lies on disk: without a policy only the latest is served."""
    refused(serving.predict(target, {"instances": [1.0]}), 404)
    refused(serving.get(target), 404)


def test_what_nobody_can_ask_is_refused_in_the_same_form(server: Serving) -> None:
    """TF Serving answers 400 to all of these; no function sends them."""
    url = f"{server.url}/v1/models/half_plus_two"
    for method, verb, status in (("POST", ":classify", 405), ("PUT", "", 405), ("GET", "/", 404)):
        refused(requests.request(method, url + verb, timeout=PATIENCE_SECONDS), status)


def test_status_lists_versions_with_state_and_error(serving: Serving) -> None:
    """The version is a string: 64-bit integers are in protobuf's JSON."""
    status = {"error_code": "OK", "error_message": ""}
    line = {"version": "7", "state": "AVAILABLE", "status": status}
    for target in ("signatures", "signatures/versions/7"):
        assert serving.get(target).json() == {"model_version_status": [line]}
