"""What tests share: each model server in turn, and a stack to attack."""

from collections.abc import Iterator

import pytest

from local import stack
from tests.support.vendors import TF_SERVING, VERTEX, Vendor


@pytest.fixture(params=[TF_SERVING, VERTEX], ids=["TF Serving", "Vertex AI"])
def vendor(request: pytest.FixtureRequest) -> Vendor:
    """TF Serving, then Vertex AI."""
    each: Vendor = request.param
    return each


@pytest.fixture(scope="module")
def attacked(
    tmp_path_factory: pytest.TempPathFactory, shared_model: str
) -> Iterator[stack.Running]:
    """A stack of its own: other tests would be told that theirs is overloaded."""
    with stack.running(tmp_path_factory.mktemp("attacked"), model_server=shared_model) as running:
        yield running
