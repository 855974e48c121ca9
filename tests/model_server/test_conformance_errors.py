"""What this project's model server and TF Serving both refuse, and with which status.

Runs where `test_conformance` runs; the wording of errors is each server's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.model_server.asking import (
    BAD_REQUEST,
    NOT_FOUND,
    NOT_IMPLEMENTED,
    assert_error,
    predictions,
)
from tests.model_server.conftest import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.model_server.conftest import Serving


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("float32", '"1"'),
        ("float32", "true"),
        ("float32", "null"),
        ("float32", "16777217"),
        ("float32", "1e39"),
        ("float32", '{"b64": "AA=="}'),
        ("float64", "9007199254740993"),
        ("int32", "1.0"),
        ("int32", "2147483648"),
        ("int32", "true"),
        ("int64", "9223372036854775808"),
        ("uint32", "-1"),
        ("bool", "1"),
        ("string", "1"),
        ("string", '{"b64": 1}'),
        ("string", '{"b64": "*"}'),
        ("string", '{"b64": "A"}'),
        ("string", '{"b65": "AA=="}'),
    ],
)
def test_a_value_that_the_type_cannot_hold_is_refused(
    serving: Serving, dtype: str, value: str
) -> None:
    """Nothing is converted silently."""
    body = f'{{"signature_name": "{dtype}", "inputs": {{"x": [{value}]}}}}'.encode()
    assert_error(serving.predict("types", body), BAD_REQUEST)


def test_a_type_without_a_json_form_is_not_implemented(serving: Serving) -> None:
    """Half precision is not in TF Serving's table."""
    body = {"signature_name": "float16", "instances": [1.0]}
    assert serving.predict("types", body).status_code in (NOT_IMPLEMENTED, BAD_REQUEST)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b'{"instances": [1.0,]}',
        b'{"instances": [' + b"[" * 5000,
        b"{}",
        b'{"instances": [1.0], "inputs": [1.0]}',
        b'{"instances": []}',
        b'{"instances": 1.0}',
        b'{"instances": {"x": 1.0}}',
        b'{"instances": [[1.0], [1.0, 2.0]]}',
        b'{"instances": [1.0, [1.0]]}',
        b'{"instances": [[1.0], 1.0]}',
        b'{"inputs": [[1.0, 2.0], [3.0]]}',
        b'{"instances": [{"x": 1.0}, 1.0]}',
        b'{"instances": [1.0, {"x": 1.0}]}',
        b'{"instances": [{"z": 1.0}]}',
        b'{"instances": [{"x": 1.0, "z": 1.0}]}',
        b'{"inputs": {"z": [1.0]}}',
        b'{"inputs": {}}',
        b'{"instances": [1.0], "signature_name": "nonesuch"}',
        b'{"instances": [1.0], "signature_name": 1}',
    ],
    ids=lambda body: body[:40].decode(errors="replace"),
)
def test_a_malformed_body_is_a_bad_request(serving: Serving, body: bytes) -> None:
    """Never a 500: it is the caller who can fix it."""
    assert_error(serving.predict("half_plus_two", body), BAD_REQUEST)


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [[1, 2]]},
        {"inputs": [[1, 2]]},
        {"instances": [{"a": [1, 2]}]},
        {"inputs": {"a": [[1, 2]]}},
    ],
)
def test_every_named_input_has_to_be_there(serving: Serving, body: dict[str, Any]) -> None:
    """There are no defaults."""
    assert_error(serving.predict("two_inputs", body), BAD_REQUEST)


def test_an_error_inside_the_model_keeps_its_meaning(serving: Serving) -> None:
    """InvalidArgument from an operation is the caller's error too."""
    assert predictions(serving, "failing", {"instances": ["1.5"]}) == [1.5]
    assert_error(serving.predict("failing", {"instances": ["parrot"]}), BAD_REQUEST)
    body = {"signature_name": "matmul", "instances": [[1.0, 2.0]]}
    assert_error(serving.predict("failing", body), BAD_REQUEST)


@pytest.mark.parametrize(
    "target", ["nonesuch", "half_plus_two/versions/9", "two_versions/versions/1"]
)
def test_what_is_not_loaded_is_not_found(serving: Serving, target: str) -> None:
    """Nor is an older version that lies on disk: only the latest is served."""
    assert_error(serving.predict(target, {"instances": [1.0]}), NOT_FOUND)
    assert_error(serving.get(target), NOT_FOUND)
    assert_error(serving.get(f"{target}/metadata"), NOT_FOUND)


@pytest.mark.parametrize("verb", ["classify", "regress"])
def test_a_predict_signature_neither_classifies_nor_regresses(serving: Serving, verb: str) -> None:
    """Those verbs need signatures of their own method name."""
    url = f"{serving.url}/v1/models/half_plus_two:{verb}"
    response = requests.post(url, json={"examples": [{"x": 1.0}]}, timeout=PATIENCE_SECONDS)
    assert_error(response, BAD_REQUEST)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/models/half_plus_two"),
        ("POST", "/v1/models/half_plus_two:nonesuch"),
        ("POST", "/v1/models/half_plus_two/versions/one:predict"),
        ("POST", "/v1/models/half_plus_two:predict?pretty=1"),
        ("GET", "/v1/models/half_plus_two:predict"),
        ("GET", "/v1/models"),
        ("GET", "/v1/nonesuch"),
        ("PUT", "/v1/models/half_plus_two"),
    ],
)
def test_a_request_line_of_no_known_form_is_a_bad_request(
    serving: Serving, method: str, path: str
) -> None:
    """TF Serving matches the whole path, query included."""
    body = {"instances": [1.0]} if method == "POST" else None
    response = requests.request(method, serving.url + path, json=body, timeout=PATIENCE_SECONDS)
    assert_error(response, BAD_REQUEST)
