"""Child processes that decode photos: their turns, and one job in one of them.

A caller has one child at a time, and whoever has just had one goes behind all others who wait. So a
caller who sends many expensive photos at once delays only itself. Callers whose photos took long
leave one child to everybody else for a minute.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import parrot
from parrot import budget, deadline
from parrot.errors import DecoderUnavailable, Overloaded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    from parrot.records import Photo

CHILDREN = 2
_WALL_SECONDS = 20.0  # for one photo in a child process, however busy the machine is
_LONG_SECONDS = 1.5  # no photo of 12 megapixels takes that long
_REMEMBERED_SECONDS = 60.0
_BY_LIMIT = frozenset({-signal.SIGPROF, -signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS})


@dataclass(frozen=True, slots=True, eq=False)
class _Turn:
    caller: object
    bytes: int


class Children:
    """A few child processes and the memory that they share; safe under threads."""

    def __init__(
        self,
        capacity: int,
        *,
        count: int = CHILDREN,
        patience: float = budget.PATIENCE_SECONDS,
    ) -> None:
        """Nothing is started here. `capacity`: bytes; `patience`: seconds to wait for a turn."""
        self._idle = [Child() for _ in range(count)]
        self._count, self._capacity, self._patience = count, capacity, patience
        self._working: list[_Turn] = []
        self._waiting: list[_Turn] = []
        self._changed = threading.Condition()
        self._long: dict[object, float] = {}  # caller -> when its photo took long

    @contextmanager
    def turn(self, caller: object, amount: int) -> Iterator[Child]:
        """Hold a child that may use this many bytes. Raises Overloaded."""
        turn = _Turn(caller, amount)
        with self._changed:
            self._waiting.append(turn)
            try:
                if not self._changed.wait_for(
                    lambda: next(filter(self._fits, self._waiting), None) is turn,
                    deadline.left(self._patience),
                ):
                    raise Overloaded("too many large photos at once; try again in a moment")
            finally:
                self._waiting.remove(turn)
                self._changed.notify_all()
            self._working.append(turn)
            child = self._idle.pop()  # the one used last: a second starts only where it is needed
            child.seconds = 0.0
        try:
            yield child
        finally:
            with self._changed:
                self._working.remove(turn)
                self._idle.append(child)
                self._waiting.sort(key=lambda waiting: waiting.caller == caller)
                self._remember(caller, child.seconds)
                self._changed.notify_all()

    def _fits(self, turn: _Turn) -> bool:
        callers = [working.caller for working in self._working]
        held = sum(working.bytes for working in self._working)
        if not self._idle or turn.caller in callers or held + turn.bytes > self._capacity:
            return False
        long = sum(caller in self._long for caller in callers)
        return turn.caller not in self._long or long < self._count - 1

    def _remember(self, caller: object, seconds: float) -> None:
        now = time.monotonic()
        if seconds > _LONG_SECONDS:
            self._long[caller] = now + _REMEMBERED_SECONDS
        self._long = {known: end for known, end in self._long.items() if end > now}

    def end(self) -> None:
        """End those that run; they also end with this process."""
        for child in self._idle:
            child.end()


class Child:
    """A child process: started when first needed, and again after a photo ended it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self.seconds = 0.0  # of CPU, that the last photo took

    def ask(
        self, job: str, photo: Photo, options: dict[str, object], *, seconds: float, memory: int
    ) -> tuple[str, Any]:
        """One job within CPU-seconds and bytes: "done", "invalid", "exhausted" or "failed"; more.

        Raises DecoderUnavailable.
        """
        self.seconds = seconds  # a photo that ends its child is charged all that it was allowed
        try:
            connection = self._connected()
            connection.send((job, photo, options, seconds, memory))
            if connection.poll(deadline.left(_WALL_SECONDS)):
                outcome, value, self.seconds, worn = connection.recv()
                if worn:
                    self.end()
                return outcome, value
        except (EOFError, OSError) as error:
            code = self.end()
            if code in _BY_LIMIT:
                return "exhausted", code
            raise DecoderUnavailable(f"the decoder ended with {code}") from error
        self.end()
        raise DecoderUnavailable("the decoder did not answer in time")

    def _connected(self) -> Connection:
        from multiprocessing.connection import Connection  # noqa: PLC0415 - most photos need none

        if self._connection is None:
            own_end, child_end = socket.socketpair()
            root = str(Path(parrot.__file__).parents[1])
            with child_end:
                self._process = subprocess.Popen(  # noqa: S603 - our own module
                    [sys.executable, "-m", "parrot.photo.decoder", str(child_end.fileno())],
                    pass_fds=[child_end.fileno()],
                    stdin=subprocess.DEVNULL,
                    # Each of BLAS's threads and of malloc's arenas would reserve memory of its own.
                    env={
                        **os.environ,
                        "PYTHONPATH": root,
                        "OPENBLAS_NUM_THREADS": "1",
                        "MALLOC_ARENA_MAX": "2",
                    },
                )
            self._connection = Connection(own_end.detach())
        return self._connection

    def end(self) -> int | None:
        """End the process; how it ended."""
        connection, process = self._connection, self._process
        self._connection = self._process = None
        if connection is not None:
            connection.close()
        if process is None:
            return None
        try:
            return process.wait(1.0)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()
