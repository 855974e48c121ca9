"""A staged function, in an environment of its own requirements.txt, as Cloud Run starts it."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

from local.supervisor import free_port

_READY_SECONDS = 60.0
TARGETS = {
    "classify": "classify",
    "save": "save",
    "observations": "observations",
    "process": "on_saved",
}


def environment(folder: Path, requirements: Path) -> Path:
    """A virtual environment with these requirements, checked by their digests, and nothing else."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    python = folder / "bin" / "python"
    subprocess.run(
        [
            *(uv, "pip", "install", "--quiet", "--require-hashes"),
            *("--python", str(python), "--requirement", str(requirements)),
        ],
        check=True,
    )
    return python


def _plain(settings: Mapping[str, str]) -> dict[str, str]:
    """The variables of a container: nothing of the developer's shell, PYTHONPATH least of all."""
    return {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", **settings}  # noqa: S108


@contextmanager
def started(python: Path, folder: Path, name: str, settings: Mapping[str, str]) -> Iterator[str]:
    """The URL of a staged function, run by functions-framework in its folder, until the end."""
    port = free_port()
    env = _plain({**settings, "FUNCTION_TARGET": TARGETS[name], "PORT": str(port)})
    log = folder.with_suffix(".log")
    with log.open("wb") as out:
        process = subprocess.Popen(
            [python.with_name("functions-framework")],
            cwd=folder,
            env=env,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(process, port, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(15)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            requests.head(f"http://127.0.0.1:{port}/robots.txt", timeout=_READY_SECONDS)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"the function does not start:\n{log.read_text()[-3000:]}")


def visible(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Time and content of each file, by path."""
    return {
        path.relative_to(folder).as_posix(): (int(path.stat().st_mtime), path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
