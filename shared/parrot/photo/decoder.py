"""Decodes photos within a budget: usually here, expensive photos in a child process.

The child (`python -m parrot.photo.decoder FD`) answers one photo after the other on a socket until
the socket closes. Where a file asks for more memory or time than any photo needs, whatever its
header said, the kernel refuses the memory or ends the child; the process that serves requests lives
on.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import parrot
from parrot import budget, logs
from parrot.errors import DecoderUnavailable, InvalidImage, Overloaded
from parrot.model.served_model import Resampling
from parrot.photo import images

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection

    from PIL.Image import Image

    from parrot.budget import Budget
    from parrot.model.served_model import InputSpec
    from parrot.photo.geometry import Box
    from parrot.records import Photo, Raster

# What these files say about their size may be false; only decoding shows the real size.
_UNTRUSTED = frozenset({"image/heic", "image/avif"})
_LARGE_BYTES = 64 * budget.MIB
_ROOM = 4 * budget.MIB  # for what comes back
_WALL_SECONDS = 20.0  # for one photo in the child process, however busy the machine is
MOST_BYTES = 640 * 2**20  # beside what a child has at its start; a 48-megapixel HEIC takes 450
MOST_SECONDS = 4  # of a child's CPU, for one photo
_BY_LIMIT = frozenset({-signal.SIGXCPU, -signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS})


class Decoder:
    """Photos to pixels. Every method raises InvalidImage (422), Overloaded, DecoderUnavailable."""

    def __init__(self, decoding: Budget, *, max_pixels: int, isolated: bool = False) -> None:
        """Nothing is started here; `max_pixels` is the largest photo that is decoded.

        `isolated`: the other process decodes every photo, so that the kernel limits each one.
        """
        self._budget, self._max_pixels, self._isolated = decoding, max_pixels, isolated
        self._child = _Child()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """End the child process, if there is one; it also ends with this one."""
        self._child.end()

    def pixels(self, photo: Photo, spec: InputSpec) -> Raster:
        """As `images.pixels`."""
        whole = spec.resampling is not Resampling.ANTIALIAS
        return cast("Raster", self._run("pixels", photo, whole=whole, spec=spec))

    def parts(self, photo: Photo, spec: InputSpec, boxes: Sequence[Box]) -> list[Raster]:
        """As `images.parts`."""
        # A small part needs more of the photo's own pixels than the whole photo does.
        rasters: list[Raster] = []
        for group in images.by_decoding(photo, boxes):  # what is decoded twice may cost twice
            decoded = self._run("parts", photo, whole=True, spec=spec, boxes=group)
            rasters += cast("list[Raster]", decoded)
        return rasters

    def measure(self, photo: Photo) -> tuple[int, int]:
        """As `images.measure`."""
        return cast("tuple[int, int]", self._run("measure", photo))

    def upright(self, photo: Photo, *, long_side: int) -> Image:
        """As `images.upright`."""
        return cast("Image", self._run("upright", photo, long_side=long_side))

    def _run(self, job: str, photo: Photo, *, whole: bool = False, **options: object) -> object:
        header = photo.header
        images.check_size(header.width, header.height, photo.media_type, self._max_pixels)
        cost = budget.decoding(header, photo.media_type, len(photo.data), whole=whole)
        logs.add(decode_bytes=cost.bytes, decode_seconds=cost.seconds)
        options["max_pixels"] = self._max_pixels
        untrusted = photo.media_type in _UNTRUSTED or cost.bytes > _LARGE_BYTES
        if untrusted or self._isolated:
            with self._budget.reserve(_ROOM + len(photo.data)):  # the pixels are in the child
                return self._child.run(job, photo, options)
        with self._budget.reserve(cost.bytes):
            return getattr(images, job)(photo, **options)


class _Child:
    """The child process: started when first needed, and again after a photo ended it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    def run(self, job: str, photo: Photo, options: dict[str, object]) -> object:
        """One job; others wait for it as long as the budget's patience lasts."""
        if not self._lock.acquire(timeout=budget.PATIENCE_SECONDS):
            raise Overloaded("too many large photos at once; try again in a moment")
        try:
            outcome, value = self._ask(job, photo, options)
            if outcome == "exhausted":
                # Photos before it may have left the process short of memory: a new one decides.
                self.end()
                outcome, value = self._ask(job, photo, options)
        finally:
            self._lock.release()
        if outcome == "done":
            return value
        if outcome == "invalid":
            raise InvalidImage(str(value))
        if outcome == "exhausted":
            raise InvalidImage(
                "the photo takes more time or memory to decode than any photo should"
            )
        raise RuntimeError(f"decoding failed:\n{value}")

    def _ask(self, job: str, photo: Photo, options: dict[str, object]) -> tuple[str, Any]:
        try:
            connection = self._connected()
            connection.send((job, photo, options))
            if connection.poll(_WALL_SECONDS):
                return cast("tuple[str, Any]", connection.recv())
        except (EOFError, OSError) as error:
            code = self.end()
            if code in _BY_LIMIT:
                return "exhausted", code
            raise DecoderUnavailable(f"the decoder ended with {code}") from error
        self.end()
        raise DecoderUnavailable(f"the decoder did not answer within {_WALL_SECONDS:g} s")

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
                    # One thread: each of BLAS's threads would reserve memory of its own.
                    env={**os.environ, "PYTHONPATH": root, "OPENBLAS_NUM_THREADS": "1"},
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


def serve(connection: Connection) -> None:
    """Decode until the other end closes."""
    limit_memory()
    while True:
        try:
            job, photo, options = connection.recv()
        except EOFError:
            return
        limit_time()
        connection.send(_answer(job, photo, options))


def _answer(job: str, photo: object, options: dict[str, object]) -> tuple[str, object]:
    try:
        return "done", getattr(images, job)(photo, **options)
    except InvalidImage as error:
        return "invalid", error.detail
    except MemoryError:
        return "exhausted", None
    except Exception:  # noqa: BLE001 - report our own bugs instead of hiding them
        return "failed", traceback.format_exc()


def limit_memory() -> None:
    """At most MOST_BYTES of address space more than now. Only Linux says how much that is."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return
    most = pages * resource.getpagesize() + MOST_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def limit_time() -> None:
    """At most MOST_SECONDS of CPU from now."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + MOST_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


if __name__ == "__main__":
    from multiprocessing.connection import Connection

    serve(Connection(int(sys.argv[1])))
