"""deploy.sh where no cloud is in reach: what it prints with --dry-run, and what it refuses."""

import subprocess
from pathlib import Path

from tests.deploy.project import PROJECT, REGION

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
