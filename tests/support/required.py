"""Requirements that a machine may lack: tests skip on a laptop and fail in CI."""

import os
from typing import NoReturn

import pytest


def missing(reason: str, *, required_by: str) -> NoReturn:
    """Skip the test, or fail it if the variable `required_by` is set."""
    if os.environ.get(required_by):
        pytest.fail(f"{reason} ({required_by} is set)")
    pytest.skip(reason)
