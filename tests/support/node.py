"""What npm brings for tests: compilers, generators of clients, linters."""

import fcntl
import shutil
from pathlib import Path

from local.stack import ROOT
from tests.support import commands
from tests.support.required import missing

DESCRIPTION = ROOT / "docs" / "openapi.yaml"
_PINS = ROOT / "tests" / "support" / "typescript"
_TSC = (
    *("--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck"),
    *("--lib", "es2022,dom,dom.iterable"),
)


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
            npm = commands.done("npm", "ci", "--no-progress", "--loglevel=error", cwd=home)
            if npm.returncode:
                missing(f"npm cannot install: {npm.stderr}", required_by="REQUIRE_SUITE")
            done.write_bytes(lock)
    return home / "node_modules"


def compiled(folder: Path, source: str, *flags: str) -> Path:
    """The folder, once a module in it is compiled strictly with the API's types beside it."""
    modules = installed()
    (folder / "package.json").write_text('{"type": "module"}')
    types = modules / "openapi-typescript/bin/cli.js"
    commands.printed("node", types, DESCRIPTION, "-o", "openapi.ts", cwd=folder)
    commands.printed("node", modules / "typescript/bin/tsc", *_TSC, *flags, source, cwd=folder)
    return folder
