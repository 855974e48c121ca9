"""The stack on a TF Serving that already runs, or that Docker has to start."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local import stack
from local.model_servers import docker_command
from local.supervisor import PartFailed, free_port
from tests.support.default_bundle import NAME, VERSION
from tests.support.scripted_http import json_answer, serving

ROOT = Path(__file__).parents[2]


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


def _demo(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local", "demo", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'shared'}", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_docker_is_asked_for_where_there_is_none(tmp_path: Path) -> None:
    """One sentence and status 2: nothing was started, and nothing here can be retried."""
    done = _demo({"PATH": str(tmp_path)}, "--model-server", "docker")
    assert done.returncode == 2
    assert "needs Docker, and there is no `docker` on PATH" in " ".join(done.stderr.split())
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nexit 1\n")
    docker.chmod(0o755)
    done = _demo({"PATH": f"{tmp_path}:/usr/bin:/bin"}, "--model-server", "docker")
    assert done.returncode == 2
    assert "Docker's engine, which does not answer" in " ".join(done.stderr.split())


def test_a_model_server_is_a_url_or_docker() -> None:
    """A typo is not looked up as a host."""
    done = _demo({}, "--model-server", "localhost:8501")
    assert done.returncode == 2
    assert "not a URL and not" in done.stderr


@pytest.mark.skipif(shutil.which("docker") is None, reason="Docker's client is not installed")
def test_dockers_own_client_accepts_the_command() -> None:
    """Up to the point where it needs an engine, which is not on every machine."""
    command = docker_command("tensorflow/serving:2.21.0", "8501")
    engine = {"DOCKER_HOST": f"tcp://127.0.0.1:{free_port()}", "PATH": os.environ["PATH"]}
    done = subprocess.run(
        command, env=engine, capture_output=True, text=True, check=False, timeout=60
    )
    assert "Cannot connect to the Docker daemon" in done.stderr, json.dumps(done.stderr)
