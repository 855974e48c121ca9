"""Requests to a model server, with the checks that every answer needs."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from tests.model_server.conftest import Serving

    Json = Any

BAD_REQUEST, NOT_FOUND, NOT_IMPLEMENTED = 400, 404, 501


def b64(data: bytes) -> dict[str, str]:
    """Write bytes the way JSON requests carry them."""
    return {"b64": base64.b64encode(data).decode()}


def predictions(serving: Serving, target: str, body: Json) -> Json:
    """Ask in row format; the answer must be a success."""
    response = serving.predict(target, body)
    assert response.status_code == requests.codes.ok, response.text
    assert response.headers["Content-Type"].startswith("application/json")
    answer = response.json()
    assert list(answer) == ["predictions"]
    return answer["predictions"]


def outputs(serving: Serving, target: str, body: Json) -> Json:
    """Ask in columnar format; the answer must be a success."""
    response = serving.predict(target, body)
    assert response.status_code == requests.codes.ok, response.text
    answer = response.json()
    assert list(answer) == ["outputs"]
    return answer["outputs"]


def results(serving: Serving, target: str, body: Json) -> Json:
    """Ask to classify or to regress (`MODEL:VERB`); the answer has to be a good one."""
    response = serving.post(target, body)
    assert response.status_code == requests.codes.ok, response.text
    answer = response.json()
    assert list(answer) == ["results"]
    return answer["results"]


def assert_error(response: requests.Response, status: int) -> None:
    """Check for TF Serving's error body, with a sentence and no stack trace."""
    assert response.status_code == status, response.text
    assert list(response.json()) == ["error"]
    message = response.json()["error"]
    assert isinstance(message, str)
    assert message
    assert "Traceback" not in message
