"""What is known against the packages that are deployed, and a list of them as CycloneDX.

pip-audit asks PyPI's advisories about each pinned version. What it could not ask about counts as a
failure: a report of nothing found must mean that somebody looked.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import folders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FOLDER = folders.ROOT / "build" / "sbom"
# Pinned here: they run in folders of uv's own, so that the project's lock stays free of them.
_UV = (str(Path(sys.executable).with_name("uv")), "tool", "run", "--quiet")
_PIP_AUDIT = (*_UV, "--from", "pip-audit==2.10.1", "pip-audit", "--progress-spinner=off")
_CYCLONEDX = (*_UV, "--from", "cyclonedx-bom==7.5.0", "cyclonedx-py", "requirements")


class AuditFailed(Exception):
    """A tool did not do its work; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One advisory about one pinned package."""

    package: str
    version: str
    id: str
    fixed_in: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found in one file, and which packages nobody could say anything about."""

    findings: tuple[Finding, ...]
    unknown: tuple[str, ...]
    packages: int

    @property
    def reached_nobody(self) -> bool:
        """Not one answer: the next file would only take the same minutes to fail."""
        return len(self.unknown) == self.packages > 0


def files() -> tuple[Path, ...]:
    """Every file of pinned packages: of each function, and of this project's own tools."""
    return (
        *sorted(folders.ROOT.glob("functions/*/requirements.txt")),
        folders.ROOT / "requirements.lock",
    )


def audit(requirements: Path) -> Audit:
    """Ask about every package in a file. Raises AuditFailed."""
    options = ("--disable-pip", "--no-deps", "--format=json", "--timeout=15")
    out = _run((*_PIP_AUDIT, *options, "-r", str(requirements)), ok={0, 1})
    try:
        return parse(json.loads(out))
    except (ValueError, KeyError) as error:
        raise AuditFailed(f"pip-audit's answer cannot be read: {error!r}") from error


def parse(report: Mapping[str, Any]) -> Audit:
    """pip-audit's JSON. Raises KeyError if it is something else."""
    rows = report["dependencies"]
    findings = tuple(
        Finding(row["name"], row["version"], known["id"], tuple(known["fix_versions"]))
        for row in rows
        for known in row.get("vulns", ())
    )
    unknown = tuple(row["name"] for row in rows if "skip_reason" in row)
    return Audit(findings, unknown, len(rows))


def list_packages(requirements: Path, folder: Path = FOLDER) -> Path:
    """Write a file's SBOM; needs no network once the tool is there. Raises AuditFailed."""
    folder.mkdir(parents=True, exist_ok=True)
    inside = requirements.parent != folders.ROOT
    target = folder / f"{requirements.parent.name if inside else 'development'}.cdx.json"
    options = ("--output-format=JSON", "--output-reproducible", "--output-file", str(target))
    _run((*_CYCLONEDX, *options, str(requirements)), ok={0})
    return target


def _run(command: Sequence[str], *, ok: set[int]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our own commands
            command, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise AuditFailed(f"{command[0]} cannot be started: {error.strerror}") from error
    if done.returncode not in ok or (not done.stdout and done.returncode):
        raise AuditFailed(
            done.stderr.strip()[-1000:] or f"{command[5]} ended with {done.returncode}"
        )
    return done.stdout
