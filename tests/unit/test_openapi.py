"""docs/openapi.yaml: the description that clients are generated from matches the code."""

import json

from local.openapi.description import ROOT, document, files
from parrot.http import answers
from tests.support.default_bundle import SPECIES


def test_what_is_committed_is_what_the_code_says() -> None:
    """A description older than the code misleads everybody; `./dev.sh openapi` renews it."""
    for name, text in files().items():
        assert (ROOT / name).read_text(encoding="utf-8") == text, name


def test_every_call_says_what_can_go_wrong() -> None:
    """A client that is made from it handles errors by code from the first day."""
    for path, item in document()["paths"].items():
        for method in item.keys() - {"parameters"}:
            responses = item[method]["responses"]
            assert any(status.startswith("2") for status in responses), (path, method)
            if path == "/species.json":  # a file
                continue
            expected = {"405", "500"}
            if "observations" in path or path.endswith("/save"):
                expected |= {"401", "503"}
            if "{id}" in path:
                expected |= {"404"}
            if method == "post":
                expected |= {"400", "408", "413", "415", "429", "503"}
                expected |= {"404", "409"} if "reviews" in path else {"422"}  # of a photo
            if method == "patch":
                expected |= {"400", "408", "409", "412", "429"}
            assert expected <= responses.keys(), (path, method)


def test_answers_may_gain_fields_and_values() -> None:
    """An app that was generated last year must read what the service says today."""
    schemas = document()["components"]["schemas"]
    kinds = [name for name in schemas if not name.endswith(("Form", "Json"))]
    assert {"Classification", "Observation", "Problem", "Reason", "Status"} <= set(kinds)
    for name in kinds:
        assert "enum" not in json.dumps(schemas[name]).replace("x-extensible-enum", ""), name
        assert "additionalProperties" not in schemas[name], name
    assert "idempotency_key_reused" in schemas["Problem"]["properties"]["code"]["x-extensible-enum"]


def test_the_examples_are_of_the_bundle() -> None:
    """People copy them, and then ask for what is not there."""
    listed = [answers.species(row) for row in SPECIES.rows]
    response = document()["paths"]["/species.json"]["get"]["responses"]["200"]
    (example,) = response["content"]["application/json"]["examples"].values()
    assert [row for row in example["value"]["species"] if row not in listed] == []
