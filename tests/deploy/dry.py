"""deploy.sh where no cloud is in reach: what it prints with --dry-run, and what it refuses."""

import subprocess
from pathlib import Path

from tests.deploy.project import PROJECT, REGION
from tests.support.commands import done

PLACE = f"--project {PROJECT} --region {REGION}"


def deploy(root: Path, *words: str, **exported: str) -> subprocess.CompletedProcess[str]:
    """deploy.sh, with every tool of a cloud out of reach."""
    plain = {"PATH": str(root / "bin"), "HOME": str(root)}
    return done("./deploy.sh", *words, cwd=root / "checkout", env=plain, **exported)


def printed(root: Path, *words: str) -> list[str]:
    """The lines of a dry run, which also writes what would be deployed."""
    told = deploy(root, "--dry-run", *PLACE.split(), *words)
    assert (told.returncode, told.stderr) == (0, "")
    return told.stdout.splitlines()
