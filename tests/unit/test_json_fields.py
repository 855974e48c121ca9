"""JSON that is nearly JSON, as mutated requests sent it."""

from __future__ import annotations

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from parrot.budget import Budget
from parrot.errors import InvalidRequest
from parrot.http import submission
from tests.support.bodies import admitted


@pytest.mark.parametrize(
    "body",
    [
        b'{"s\xe4ecies": "amazona"}',
        b'{"species": "ama\xffzona"}',
        b'{"index": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_not_quite_json_is_the_callers_mistake(body: bytes) -> None:
    """It was a 500: fuzzing found letters that are not UTF-8."""
    request = Request(EnvironBuilder(method="PATCH", data=body).get_environ())
    with admitted(request, Budget(2**20)), pytest.raises(InvalidRequest):
        submission.read_fields(request)
