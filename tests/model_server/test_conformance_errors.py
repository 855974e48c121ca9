"""What this project's model server and TF Serving both refuse, and with which status.

Runs where `test_conformance` runs. The wording is TF Serving's where a phrase is asserted; what
follows it (a document, a list of known names) is each server's own.
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
        ("float32", '{"b64": "AA=="}'),
        ("float64", "1e400"),
        ("float64", "-1e400"),
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
        ("string", '{"b64": "AA==", "b64": "AA=="}'),
    ],
)
def test_a_value_that_the_type_cannot_hold_is_refused(
    serving: Serving, dtype: str, value: str
) -> None:
    """Only floats are rounded; nothing else is converted silently."""
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
    ("body", "phrase"),
    [
        ("", "JSON Parse error: The document is empty"),
        ("[1]", "Is not object"),
        ('{"instances": 1.0]', "JSON Parse error: "),
        ('{"x": 1}', "Missing 'inputs' or 'instances' key"),
        ('{"inputs": [1], "instances": [1]}', "expecting only one of 'inputs' or 'instances'"),
        ('{"instances": 1.0}', "Excepting 'instances' to be an list/array"),
        ('{"instances": []}', "No values in 'instances' array"),
        ('{"instances": [1], "signature_name": 1}', "key must be a string value"),
        (
            '{"instances": [1], "signature_name": "no"}',
            'Serving signature name: "no" not found in signature def',
        ),
        ('{"instances": [{"x": 1}, 1]}', "Expecting object but got list at item 1 of input list"),
        ('{"instances": [1, {"x": 1}]}', "Expecting value/list but got object at item 1 of input"),
        ('{"instances": [{"z": 1}]}', "Failed to process element: 0 key: z of 'instances' list"),
        ('{"instances": [[1], [1, 2]]}', "Expecting tensor size: 1 but got: 2"),
        ('{"instances": [1, [1]]}', "Expecting shape [] but got: [1]"),
        ('{"instances": [1, true]}', "Failed to process element: 1 of 'instances' list. Error: "),
        ('{"instances": [1, true]}', "Type: True is not of expected type: float"),
        ('{"inputs": [1, null]}', "Type: Null is not of expected type: float"),
        ('{"inputs": [[1], 2]}', "found at incorrect level: 2 in the JSON DOM. Expected at level"),
        ('{"inputs": [1, [2]]}', "Encountered list at unexpected level: 1 expected < 1"),
        (
            '{"inputs": [[1, 2], [3]]}',
            "Encountered list at unexpected size: 1 at level: 1 expected",
        ),
        ('{"inputs": {"z": [1]}}', "Missing named input: x in 'inputs' object."),
    ],
)
def test_an_error_says_what_tf_serving_says(serving: Serving, body: str, phrase: str) -> None:
    """Whoever searches for the sentence finds what others wrote about it."""
    response = serving.predict("half_plus_two", body.encode())
    assert_error(response, BAD_REQUEST)
    assert phrase in response.json()["error"]


@pytest.mark.parametrize(
    ("body", "phrase"),
    [
        ({"instances": [1]}, "instances is a plain list, but expecting list of objects"),
        ({"inputs": [1]}, "inputs is a plain value/list, but expecting an object"),
        ({"instances": [{"a": [1, 2]}]}, "must only have keys: a,b"),
    ],
)
def test_an_error_about_several_inputs_says_what_tf_serving_says(
    serving: Serving, body: dict[str, Any], phrase: str
) -> None:
    """The same for a signature with two inputs."""
    response = serving.predict("two_inputs", body)
    assert_error(response, BAD_REQUEST)
    assert phrase in response.json()["error"]


def test_a_signature_without_inputs_cannot_be_asked(serving: Serving) -> None:
    """There is nothing that a request could say."""
    bodies: tuple[dict[str, Any], ...] = ({"inputs": {}}, {"inputs": []}, {"instances": [{}]})
    for body in bodies:
        response = serving.predict("signatures", {**body, "signature_name": "constant"})
        assert_error(response, BAD_REQUEST)
        message = response.json()["error"]
        assert "Failed to get input map for signature: constant" in message


def test_rows_need_outputs_of_one_batch_size(serving: Serving) -> None:
    """Or nobody could say which values belong together."""
    body = {"signature_name": "signs", "instances": [1.0, 2.0, -3.0]}
    response = serving.predict("signatures", body)
    assert_error(response, BAD_REQUEST)
    assert "has inconsistent batch size" in response.json()["error"]


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


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/models/half_plus_two"),
        ("POST", "/v1/models/half_plus_two:nonesuch"),
        ("POST", "/v1/models/half_plus_two/versions/one:predict"),
        ("POST", "/v1/models/half_plus_two:predict?pretty=1"),
        ("POST", "/v1/models/half_plus_two:PREDICT"),
        ("POST", "/v1/models/half_plus_two:Classify"),
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
