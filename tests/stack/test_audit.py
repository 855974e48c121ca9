"""What is deployed is listed, and a look-up that failed is never taken for a clean one."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from local import audit, stack
from local.audit import Audit, Finding
from local.cli import app

if TYPE_CHECKING:
    from pathlib import Path


def test_a_report_tells_findings_from_packages_that_nobody_knew() -> None:
    """pip-audit itself ends with 0 where it reached nobody."""
    known = {"id": "PYSEC-2026-1", "fix_versions": ["2.0"], "aliases": [], "description": ""}
    rows = [
        {"name": "good", "version": "1.0", "vulns": []},
        {"name": "bad", "version": "1.0", "vulns": [known]},
        {"name": "who", "skip_reason": "Dependency not found on PyPI"},
    ]
    found = audit.parse({"dependencies": rows, "fixes": []})
    assert found == Audit((Finding("bad", "1.0", "PYSEC-2026-1", ("2.0",)),), ("who",), 3)


def test_every_pinned_package_is_in_the_sbom(tmp_path: Path) -> None:
    """With its version, in a format that scanners read."""
    requirements = stack.ROOT / "functions" / "save" / "requirements.txt"
    bom = json.loads(audit.list_packages(requirements, tmp_path).read_text())
    listed = {(part["name"], part["version"]) for part in bom["components"]}
    pins = [line for line in requirements.read_text().splitlines() if "==" in line]
    wanted = {tuple(line.partition(" ")[0].split("==", 1)) for line in pins}
    assert bom["bomFormat"] == "CycloneDX"
    assert listed == wanted
    assert len(wanted) > 20


def test_every_function_is_audited() -> None:
    """A new one too."""
    names = {path.parent.name for path in audit.files()}
    assert {path.parent.name for path in stack.ROOT.glob("functions/*/main.py")} <= names


def test_a_tool_that_cannot_be_had_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not an empty report."""
    monkeypatch.setattr(audit, "_PIP_AUDIT", (str(tmp_path / "missing"),))
    with pytest.raises(audit.AuditFailed, match="cannot be started"):
        audit.audit(audit.files()[0])
    monkeypatch.setattr(audit, "_PIP_AUDIT", ("true",))
    with pytest.raises(audit.AuditFailed, match="cannot be read"):
        audit.audit(audit.files()[0])


def test_an_advisory_service_that_is_not_there_is_said_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each file waits minutes for its time-outs; the packages are listed all the same."""
    asked: list[Path] = []

    def nobody(requirements: Path) -> Audit:
        asked.append(requirements)
        return Audit((), ("flask", "numpy"), 2)

    monkeypatch.setattr(audit, "audit", nobody)
    monkeypatch.setattr(audit, "list_packages", lambda requirements: requirements)
    done = CliRunner().invoke(app, ["audit"])
    assert done.exit_code == 1
    assert len(asked) == 1
    assert done.output.count("cannot be reached") == 1
    assert all(str(path.relative_to(stack.ROOT)) in done.output for path in audit.files())


def test_the_command_lists_without_a_network_and_ends_well() -> None:
    """For those who scan elsewhere."""
    done = subprocess.run(
        [str(stack.ROOT / "dev.sh"), "audit", "--offline"], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(list(audit.FOLDER.glob("*.cdx.json"))) == len(audit.files())
