"""A real server on the fixture models, one per session; each test uses its own model names."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.serving import PATIENCE_SECONDS, launch, ready_url, stop
from tests.support.shared import folder, shared


@dataclass(frozen=True)
class Serving:
    """A server that speaks TF Serving's REST API, and the folder it reads, if it is ours."""

    url: str
    base: Path

    def predict(self, target: str, body: Any) -> requests.Response:
        """POST a body (bytes as they are, anything else as JSON) to `/v1/models/TARGET:predict`."""
        sent = {"data": body} if isinstance(body, bytes) else {"json": body}
        url = f"{self.url}/v1/models/{target}:predict"
        return requests.post(url, timeout=PATIENCE_SECONDS, **sent)

    def rows(self, target: str, rows: Any, signature: str = "") -> Any:
        """The predictions for `instances`."""
        response = self.predict(target, {"instances": rows, "signature_name": signature})
        assert response.status_code == requests.codes.ok, response.text
        assert list(response.json()) == ["predictions"]
        return response.json()["predictions"]

    def get(self, target: str) -> requests.Response:
        """GET `/v1/models/TARGET`."""
        return requests.get(f"{self.url}/v1/models/{target}", timeout=PATIENCE_SECONDS)

    def states(self, model: str) -> dict[int, str]:
        """Ask for the state of each version of a model; empty for a model never seen."""
        statuses = self.get(model).json().get("model_version_status", [])
        return {int(status["version"]): status["state"] for status in statuses}

    def wait_for(self, model: str, states: dict[int, str]) -> None:
        """Return once the model's versions have exactly these states."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (now := self.states(model)) != states:
            assert time.monotonic() < deadline, f"{model} is {now}, not {states}"
            time.sleep(0.05)


def refused(response: requests.Response, status: int = 400) -> str:
    """The sentence of an error, which has TF Serving's form and no stack trace."""
    assert response.status_code == status, response.text
    ((key, message),) = response.json().items()
    assert key == "error"
    assert message
    assert "Traceback" not in message
    return str(message)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server of our own for all workers of pytest."""
    with shared(folder(tmp_path_factory), "fixtures", lambda: _server(tmp_path_factory)) as started:
        yield started


@contextmanager
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Our server on the fixture models, looking for versions five times a second.

    It starts on an empty folder while this process writes the models: both import TensorFlow,
    which takes longer than anything else here.
    """
    base, staging = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("staging")
    process = launch(base, "--poll-seconds=0.2")
    try:
        from tests.serving import fixture_models  # noqa: PLC0415 - it imports TensorFlow

        fixture_models.write(staging)
        for model in fixture_models.MODELS:
            (staging / model).rename(base / model)
        serving = Serving(ready_url(process), base)
        for model, versions in fixture_models.MODELS.items():
            serving.wait_for(model, {max(versions): "AVAILABLE"})
        yield serving
    finally:
        stop(process)


@pytest.fixture(scope="session")
def serving(request: pytest.FixtureRequest) -> Serving:
    """Give the server under conformance test: TF_SERVING_URL, or else ours."""
    url = os.environ.get("TF_SERVING_URL")
    if url:
        return Serving(url.rstrip("/"), Path())
    ours: Serving = request.getfixturevalue("server")
    return ours
