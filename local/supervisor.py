"""Child processes: started with one log each, watched, and stopped together.

Also if this process is killed: see `watcher`.
"""

import contextlib
import itertools
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

_POLL_SECONDS = 0.05
_GRACE_SECONDS = 5.0
_PROBE_SECONDS = 5.0
_LOG_LINES = 15
_WATCHER = Path(__file__).with_name("watcher.py")
_PORTS = range(20_000, 32_768)  # below those that Linux, macOS and Windows give to clients
_numbers = itertools.count(random.randrange(len(_PORTS)))


class PartFailed(Exception):
    """A part ended or never answered; the message includes the end of its log."""


class CannotStart(Exception):
    """Something is missing, taken or cannot be used; the message says what."""


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the stack."""

    name: str
    command: Sequence[str]
    url: str
    ready: Callable[[], bool] = field(repr=False)
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None  # where it runs


class Supervisor:
    """Runs parts; leaving the context stops all of them, last started first."""

    def __init__(self, logs: Path) -> None:
        """`logs` is a folder for the parts' log files."""
        self._logs = logs
        self._mark = f"PARROT_PART_{secrets.token_hex(8)}"  # in the environment of all its parts
        self._running: dict[str, tuple[Part, subprocess.Popen[bytes]]] = {}
        self._watcher: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        self._watcher = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-I", str(_WATCHER), self._mark],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
        if self._watcher is not None:
            self._watcher.communicate()  # it has nothing left to watch, and ends

    def start(self, part: Part) -> None:
        """Start a part; `wait` waits until it answers."""
        with self._log(part).open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own commands
                part.command,
                env={**os.environ, **part.environment, self._mark: "1"},
                cwd=part.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # In its own group: the terminal's Ctrl-C reaches only us, and we stop the parts.
                start_new_session=True,
            )
        self._running[part.name] = (part, process)

    def wait(self, part: Part, timeout: float) -> int:
        """Wait until the part answers; its pid. Raises PartFailed."""
        _, process = self._running[part.name]
        deadline = time.monotonic() + timeout
        while not part.ready() or process.poll() is not None:
            if process.poll() is not None:  # then another process answers
                raise PartFailed(self._report(part, f"ended with {process.returncode}"))
            if time.monotonic() > deadline:
                raise PartFailed(self._report(part, f"does not answer after {timeout:.0f} s"))
            time.sleep(_POLL_SECONDS)
        return process.pid

    def ended(self) -> list[tuple[Part, int]]:
        """Parts that ended by themselves since the last call, and their exit codes."""
        gone = [
            (part, process.returncode)
            for part, process in self._running.values()
            if process.poll() is not None
        ]
        for part, _ in gone:
            del self._running[part.name]
        return gone

    def part(self, name: str) -> Part:
        """A part that was started."""
        return self._running[name][0]

    def pid(self, name: str) -> int:
        """The process of a part. Raises PartFailed if there is none."""
        if name not in self._running:
            raise PartFailed(f"the {name} is not running")
        return self._running[name][1].pid

    def kill(self, name: str) -> Part:
        """Kill one part at once, as an accident would; `start` starts it again."""
        part, process = self._running.pop(name)
        _signal(process, signal.SIGKILL)
        process.wait()
        return part

    def stop(self) -> None:
        """Stop every part, last started first; kill those that do not stop within seconds."""
        processes = [process for _, process in reversed(self._running.values())]
        for process in processes:
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_SECONDS
        for process in processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait()
            _signal(process, signal.SIGKILL)  # what it started and left behind
        self._running.clear()

    def _log(self, part: Part) -> Path:
        return self._logs / f"{part.name.replace(' ', '-')}.log"

    def _report(self, part: Part, what: str) -> str:
        lines = self._log(part).read_text(errors="replace").splitlines()[-_LOG_LINES:]
        end = "ends with:" if lines else "is empty"
        return "\n".join((f"the {part.name} {what}; {self._log(part)} {end}", *lines))


def require_free(host: str, port: int) -> None:
    """Raises CannotStart."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotStart(f"cannot listen on {host}:{port}: {error.strerror}") from error


def free_port() -> int:
    """A port of 127.0.0.1 that is free, and that no outgoing connection is given.

    The system would pick one of those that it gives to these too, and one may be faster than the
    part that is to listen there. Raises CannotStart.
    """
    for number in itertools.islice(_numbers, len(_PORTS)):
        with contextlib.suppress(OSError), socket.socket() as probe:
            port = _PORTS[number % len(_PORTS)]
            probe.bind(("127.0.0.1", port))
            return port
    raise CannotStart(f"no port of {_PORTS[0]} to {_PORTS[-1]} is free")


def free_url() -> str:
    """The URL of a free port. Raises CannotStart."""
    return f"http://127.0.0.1:{free_port()}"


def listens(url: str) -> bool:
    """Whether somebody accepts connections there."""
    host, _, port = url.removeprefix("http://").partition(":")
    try:
        socket.create_connection((host, int(port)), _PROBE_SECONDS).close()
    except OSError:
        return False
    return True


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal the part and everything that it started."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return
