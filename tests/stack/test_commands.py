"""What `./dev.sh` says when asked for help, or if it cannot begin."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from local.cli import app
from local.samples import MACAW
from local.stack import ROOT
from tests.support import commands

# One of each kind: typer explains `up`, `emulators` and `openapi` as it does `demo`.
COMMANDS = [
    *("demo", "test", "bench", "models", "sdk", "stage", "lock"),
    *("models backfill", "test unit"),
]


def dev(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `./dev.sh` without Google Cloud credentials."""
    unknown = {"GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "STORAGE_EMULATOR_HOST"}
    known = {name: value for name, value in os.environ.items() if name not in unknown}
    known["NO_GCE_CHECK"] = "true"
    return commands.done(ROOT / "dev.sh", *arguments, env={**known, **environment})


def assert_one_sentence(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """On the error stream and nowhere else, with exit code 2."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of dev.sh with its environment ready, where every tool that it may call fails."""
    shutil.copy(ROOT / "dev.sh", tmp_path)
    for folder in ("local", "models", "shared", "benchmarks", "deploy", "requirements.lock"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{ROOT}/.venv/bin/python" "$@"\n')
    python.chmod(0o755)
    shutil.copy(ROOT / ".venv" / "installed", tmp_path / ".venv")
    for tool in ("uv", "ruff", "mypy", "lint-imports", "npm", "pip"):
        for tools in (tmp_path / ".venv" / "bin", tmp_path / "tools"):
            tools.mkdir(exist_ok=True)
            (tools / tool).write_text(f'#!/bin/sh\necho {tool} >>"{tmp_path}/called"\nexit 97\n')
            (tools / tool).chmod(0o755)
    return tmp_path


def test_help_runs_and_installs_nothing(checkout: Path) -> None:
    """Asking what a command does is not a decision to run it."""
    for asked in (*(f"{command} --help" for command in COMMANDS), "test -h", "sdk -h", "lock -h"):
        path = f"{checkout / 'tools'}:{os.environ['PATH']}"
        done = commands.done(checkout / "dev.sh", *asked.split(), PATH=path)
        assert (done.returncode, done.stderr) == (0, ""), asked
        assert asked.split(maxsplit=1)[0] in done.stdout
    assert not (checkout / "called").exists()
    assert not (checkout / ".local").exists()
    assert {path.name for path in (checkout / ".venv").iterdir()} == {"bin", "installed"}


def test_an_unknown_argument_is_refused() -> None:
    """It may be a misspelled --help."""
    assert_one_sentence(dev("sdk", "--hlep"), "sdk", "no folder --hlep")
    assert_one_sentence(dev("lock", "--hlep"), "lock", "takes no arguments")


def test_without_npm_nobody_gets_half_a_page(tmp_path: Path) -> None:
    """Only Hosting's page needs the SDK, so most people have never needed npm here."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("bash", "env", "dirname"):
        (tools / tool).symlink_to(shutil.which(tool) or tool)
    assert_one_sentence(dev("sdk", PATH=str(tools)), "npm is missing", "Node 20")


@pytest.mark.parametrize("command", [("up", "--data"), ("models", "serve", "--base")])
def test_a_port_in_use_is_reported_in_one_sentence(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    """The commonest reason: it runs already, in another terminal. It does not retry for seconds."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        done = dev(*command, str(tmp_path), "--port", str(port))
    assert_one_sentence(done, f"127.0.0.1:{port}", "in use")
    assert list(tmp_path.iterdir()) == []


def test_data_cannot_be_kept_in_a_file_nor_where_nobody_may_write(tmp_path: Path) -> None:
    """Root can write anywhere except where the system forbids it."""
    file = tmp_path / "file"
    file.touch()
    for data in (file, file / "folder", "/proc/data", "/proc/a[b][/c]"):
        done = CliRunner().invoke(app, ["demo", str(MACAW), "--data", str(data)])  # no process: 1 s
        assert (done.exit_code, done.stdout) == (2, "")
        (sentence,) = done.stderr.splitlines()
        assert str(data).removesuffix("/folder") in sentence


@pytest.mark.parametrize(
    "command",
    [
        ["publish", "--to", "gs://bucket-of-nobody"],
        ["export-saved", "firestore:nobody", "bucket", "out"],
    ],
)
def test_without_credentials_the_message_says_how_to_log_in(
    tmp_path: Path, command: list[str]
) -> None:
    """Google's own message is a page of its documentation."""
    done = dev("models", *command, HOME=str(tmp_path), CLOUDSDK_CONFIG=str(tmp_path))
    assert_one_sentence(done, "gcloud auth application-default login")


def test_a_folder_that_is_no_bundle_is_named(tmp_path: Path) -> None:
    """With what is missing in it."""
    done = dev("up", "--port", "0", "--data", str(tmp_path / "data"), "--bundle", str(tmp_path))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "manifest.json cannot be read" in done.stderr.replace("\n", " ")


def test_a_function_is_staged_into_folders_only(tmp_path: Path) -> None:
    """A traceback would hide the reason."""
    (tmp_path / "file").touch()
    assert_one_sentence(dev("stage", "classify", "--to", str(tmp_path / "file")), "file")
