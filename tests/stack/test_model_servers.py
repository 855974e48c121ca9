"""The stack on a TF Serving that already runs, or that Docker has to start."""

import json
import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from local import stack
from local.cli import app
from local.model_servers import docker_command
from local.supervisor import PartFailed, free_port
from tests.support import commands
from tests.support.default_bundle import NAME, VERSION
from tests.support.scripted_http import json_answer, serving


def test_a_model_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    """At once, and not as a function's 503 a minute later."""
    url = f"http://127.0.0.1:{free_port()}"
    with (
        pytest.raises(PartFailed, match=f"no model server answers at {url}"),
        stack.running(tmp_path, model_server=url),
    ):
        pytest.fail("nothing can run")


def test_a_model_server_without_the_model_is_named(tmp_path: Path) -> None:
    """The sentence says which model it should serve."""
    with (
        serving(lambda _request: json_answer({"error": "Servable not found"}, 404)) as server,
        pytest.raises(PartFailed, match=f"does not serve {NAME}/versions/{VERSION}"),
        stack.running(tmp_path, model_server=server.url),
    ):
        pytest.fail("nothing can run")


def _refusal(model_server: str, path: str = os.environ["PATH"]) -> str:
    """What a demo says that ends before anything was started, on one line."""
    asked = ["demo", "--model-server", model_server]
    done = CliRunner().invoke(app, asked, env={"PATH": path})  # no process each: 4 s
    assert done.exit_code == 2
    return " ".join(done.stderr.split())


def test_docker_is_asked_for_where_there_is_none(tmp_path: Path) -> None:
    """One sentence and status 2: nothing was started, and nothing here can be retried."""
    assert "needs Docker, and there is no `docker` on PATH" in _refusal("docker", str(tmp_path))
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nexit 1\n")
    docker.chmod(0o755)
    refusal = _refusal("docker", f"{tmp_path}:/usr/bin:/bin")
    assert "Docker's engine, which does not answer" in refusal


def test_a_model_server_is_a_url_or_docker() -> None:
    """A typo is not looked up as a host."""
    assert "not a URL and not" in _refusal("localhost:8501")


@pytest.mark.skipif(shutil.which("docker") is None, reason="Docker's client is not installed")
def test_dockers_own_client_accepts_the_command() -> None:
    """Up to the point where it needs an engine, which is not on every machine."""
    command = docker_command("tensorflow/serving:2.21.0", "8501")
    done = commands.done(*command, DOCKER_HOST=f"tcp://127.0.0.1:{free_port()}")
    assert "Cannot connect to the Docker daemon" in done.stderr, json.dumps(done.stderr)
