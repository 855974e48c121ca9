"""What tests share: each model server in turn."""

import pytest

from tests.support.vendors import TF_SERVING, VERTEX, Vendor


@pytest.fixture(params=[TF_SERVING, VERTEX], ids=["TF Serving", "Vertex AI"])
def vendor(request: pytest.FixtureRequest) -> Vendor:
    """TF Serving, then Vertex AI."""
    each: Vendor = request.param
    return each
