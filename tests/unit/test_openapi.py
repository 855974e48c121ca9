"""docs/openapi.yaml: the description that clients are generated from matches the code."""

from __future__ import annotations

from local.openapi.description import ROOT, document, files


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
            expected = {"500"}
            if "observations" in path or path.endswith("/save"):
                expected |= {"401", "503"}
            if "{id}" in path:
                expected |= {"404"}
            if method == "post":
                expected |= {"400", "413", "415", "422", "429", "503"}
            if method == "patch":
                expected |= {"400", "409", "412", "429"}
            assert expected <= responses.keys(), (path, method)
