"""The running stack against its own description: whatever that allows gets what it promises."""

import json
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from local.samples import MACAW
from local.stack import ROOT, Running

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# From the web server, for URLs or headers it refuses before any function: not described.
TOO_LONG = {414, 431}
USER = {"Authorization": "Bearer local:schemathesis"}


def strict() -> dict[str, Any]:
    """The description, of answers that have no other field: others may come, but described."""
    described: dict[str, Any] = json.loads((ROOT / "public" / "openapi.json").read_text())
    for schema in described["components"]["schemas"].values():
        if schema.get("type") == "object":
            schema["additionalProperties"] = False
    return described


api = schemathesis.openapi.from_dict(strict())


@pytest.fixture(scope="module")
def observed(running: Running) -> str:
    """The id of an observation that exists: most made-up ones do not."""
    response = requests.post(
        f"{running.url}/parrot-classifier/save",
        files={"image": MACAW.read_bytes()},
        data={"species": "ara-ararauna"},
        headers=USER,
        timeout=60,
    )
    return str(response.json()["id"])


@api.parametrize()
@settings(
    max_examples=20,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_is_described(
    case: Case[Any], running_url: str, observed: str
) -> None:
    """No 5xx, no status, type or body outside the description, for twenty requests of each call."""
    if "id" in case.path_parameters and case.method != "DELETE":
        case.path_parameters["id"] = observed
    response = case.call(base_url=running_url, headers=USER, timeout=60)
    # functions-framework itself answers paths with a line break.
    if response.status_code not in TOO_LONG and "\n" not in case.path_parameters.get("id", ""):
        case.validate_response(response, headers=USER, checks=CHECKS)


def test_the_description_is_served(running_url: str) -> None:
    """Tools fetch it from the service that they will call."""
    response = requests.get(f"{running_url}/parrot-classifier/openapi.json", timeout=30)
    assert response.json()["openapi"] == "3.1.0"
    assert requests.get(f"{running_url}/api", timeout=30).ok
