"""What tests of model servers share: each of them in turn."""

from __future__ import annotations

import pytest

from tests.support.vendors import TF_SERVING, VERTEX, Ask, Vendor


@pytest.fixture(params=[TF_SERVING, VERTEX], ids=["TF Serving", "Vertex AI"])
def vendor(request: pytest.FixtureRequest) -> Vendor:
    """TF Serving, then Vertex AI."""
    each: Vendor = request.param
    return each


@pytest.fixture
def ask(vendor: Vendor) -> Ask:
    """Asks that one."""
    return Ask(vendor)
