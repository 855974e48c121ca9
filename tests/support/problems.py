"""What every error response looks like."""

from collections.abc import Iterator

import requests

from parrot.errors import ParrotError


def assert_problem(
    response: requests.Response, status: int, code: str | None = None, **members: object
) -> None:
    """RFC 9457, with a code for programs; None accepts any code. `members`: those it has beside."""
    assert response.status_code == status, response.text[:300]
    assert response.headers["Content-Type"] == "application/problem+json"
    body = response.json()
    assert set(body) == {"type", "title", "status", "detail", "code", *members}
    assert {name: body[name] for name in members} == members
    assert body["status"] == status
    assert body["detail"]
    assert code is None or body["code"] == code


def errors(root: type[ParrotError] = ParrotError) -> Iterator[type[ParrotError]]:
    """Every class of the tree that has a code of its own."""
    if "code" in vars(root):
        yield root
    for child in root.__subclasses__():
        if child.__module__.startswith("parrot."):
            yield from errors(child)
