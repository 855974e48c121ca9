"""The process that decodes what may cost too much: `python -m parrot.photo.decoder_child FD`.

It answers one photo after the other on a socket until the socket closes. Where a file asks for more
memory or time than any photo needs, whatever its header said, the kernel refuses the memory or ends
this process; the one that serves requests lives on.
"""

from __future__ import annotations

import resource
import sys
import traceback
from multiprocessing.connection import Connection
from pathlib import Path

from parrot.errors import InvalidImage
from parrot.photo import images

MOST_BYTES = 640 * 2**20  # beside what the process has at its start; a 48-megapixel HEIC takes 450
MOST_SECONDS = 4  # of CPU, for one photo
_JOBS = {
    "pixels": images.pixels,
    "parts": images.parts,
    "measure": images.measure,
    "upright": images.upright,
}


def serve(connection: Connection) -> None:
    """Decode until the other end closes."""
    limit_memory()
    while True:
        try:
            name, photo, options = connection.recv()
        except EOFError:
            return
        limit_time()
        connection.send(_answer(name, photo, options))


def _answer(name: str, photo: object, options: dict[str, object]) -> tuple[str, object]:
    try:
        return "done", _JOBS[name](photo, **options)  # type: ignore[operator]  # our own caller
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
    serve(Connection(int(sys.argv[1])))
