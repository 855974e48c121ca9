"""deploy.sh where no cloud is in reach: what it prints with --dry-run, and what it refuses."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.deploy.project import PROJECT, REGION

if TYPE_CHECKING:
    from pathlib import Path

PLACE = f"--project {PROJECT} --region {REGION}"


def deploy(root: Path, *words: str, **exported: str) -> subprocess.CompletedProcess[str]:
    """deploy.sh, with every tool of a cloud out of reach."""
    return subprocess.run(
        ["./deploy.sh", *words],
        cwd=root / "checkout",
        env={"PATH": str(root / "bin"), "HOME": str(root), **exported},
        capture_output=True,
        text=True,
        check=False,
    )


def printed(root: Path, *words: str) -> list[str]:
    """The lines of a dry run, which also writes what would be deployed."""
    done = deploy(root, "--dry-run", *PLACE.split(), *words)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()
