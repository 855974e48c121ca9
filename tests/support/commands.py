"""Commands that tests run to their end."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.stack import ROOT


def done(
    *command: str | Path,
    cwd: Path = ROOT,
    env: Mapping[str, str] = os.environ,
    typed: str = "",
    **variables: str,
) -> subprocess.CompletedProcess[str]:
    """A command once it has ended, with what it printed; `variables` come on top of `env`."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**env, **variables},
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


def printed(*command: str | Path, **options: Any) -> str:
    """What a command prints; it must succeed."""
    ended = done(*command, **options)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def begun(*command: str | Path, **variables: str) -> subprocess.Popen[str]:
    """A command that runs, in a process group of its own."""
    return subprocess.Popen(
        [str(part) for part in command],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def kill(process: subprocess.Popen[str]) -> None:
    """Kill what `begun` began, and all that it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def models(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """`python -m models` with these arguments, once it has ended."""
    return done(sys.executable, "-m", "models", *arguments, **options)
