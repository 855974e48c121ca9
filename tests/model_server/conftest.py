"""A real server on the fixture models, one per session; each test uses its own model names."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support.shared import folder, shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Json = Any

REPOSITORY = Path(__file__).parents[2]
READY = "ready: "
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Serving:
    """A server that speaks TF Serving's REST API, and the folder it reads, if it is ours."""

    url: str
    base: Path

    def predict(self, target: str, body: Json, **options: Json) -> requests.Response:
        """POST a body (bytes as they are, anything else as JSON) to `/v1/models/TARGET:predict`."""
        return self.post(f"{target}:predict", body, **options)

    def post(self, target: str, body: Json, **options: Json) -> requests.Response:
        """POST a body to `/v1/models/TARGET`; TARGET ends in a verb."""
        sent = {"data": body} if isinstance(body, bytes) else {"json": body}
        url = f"{self.url}/v1/models/{target}"
        return requests.post(url, timeout=PATIENCE_SECONDS, **sent, **options)

    def get(self, target: str) -> requests.Response:
        """GET `/v1/models/TARGET`."""
        return requests.get(f"{self.url}/v1/models/{target}", timeout=PATIENCE_SECONDS)

    def states(self, model: str) -> dict[int, str]:
        """Ask for the state of each version of a model; empty for a model never seen."""
        statuses = self.get(model).json().get("model_version_status", [])
        return {int(status["version"]): status["state"] for status in statuses}

    def wait_for(self, model: str, states: dict[int, str]) -> None:
        """Return once the model's versions have exactly these states."""
        wait_until(lambda: self.states(model) == states, f"{model} to be {states}")


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Poll until a condition holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"gave up waiting for {what}"
        time.sleep(0.05)


def launch(base: Path, *flags: str) -> subprocess.Popen[str]:
    """Start `python -m models serve` on a free port."""
    command = (sys.executable, "-m", "models", "serve", "--base", str(base), "--port", "0", *flags)
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)


def ready_url(process: subprocess.Popen[str]) -> str:
    """Wait for a launched server's `ready:` line, and return the URL in it."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(READY):
            return line.removeprefix(READY).strip()
    pytest.fail(f"the server ended with {process.wait()} before it was ready")


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
    process = launch(base, "--poll-seconds=0.2", "--label=half_plus_two:stable=1")
    try:
        from tests.model_server import fixture_models  # noqa: PLC0415 - it imports TensorFlow

        fixture_models.write(staging)
        for model in fixture_models.MODELS:
            (staging / model).rename(base / model)
        serving = Serving(ready_url(process), base)
        for model, versions in fixture_models.MODELS.items():
            serving.wait_for(model, {max(number for number, _ in versions): "AVAILABLE"})
        yield serving
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


@pytest.fixture(scope="session")
def serving(request: pytest.FixtureRequest) -> Serving:
    """Give the server under conformance test: TF_SERVING_URL, or else ours."""
    url = os.environ.get("TF_SERVING_URL")
    if url:
        return Serving(url.rstrip("/"), Path())
    ours: Serving = request.getfixturevalue("server")
    return ours
