"""What npm brings for tests: compilers, generators of clients, linters."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from typing import TYPE_CHECKING

from local.stack import ROOT
from tests.support.required import missing

if TYPE_CHECKING:
    from pathlib import Path

_PINS = ROOT / "tests" / "support" / "typescript"


def installed() -> Path:
    """node_modules as pinned, installed once."""
    home = ROOT / ".local" / "typescript"
    done, lock = home / "installed", (_PINS / "package-lock.json").read_bytes()
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        if not done.is_file() or done.read_bytes() != lock:
            if shutil.which("npm") is None or shutil.which("node") is None:
                missing("needs Node 20 and npm", required_by="REQUIRE_SUITE")
            shutil.copytree(_PINS, home, dirs_exist_ok=True)
            command = ["npm", "ci", "--no-progress", "--loglevel=error"]
            npm = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
            if npm.returncode:
                missing(f"npm cannot install: {npm.stderr}", required_by="REQUIRE_SUITE")
            done.write_bytes(lock)
    return home / "node_modules"
