"""Decodes photos within a budget: usually here, expensive photos in a child process.

A child (`python -m parrot.photo.decoder FD`) answers one photo after the other on a socket until
the socket closes. Where a file asks for more memory or time than any photo needs, whatever its
header said, the kernel refuses the memory or ends the child; the process that serves requests lives
on.
"""

from __future__ import annotations

import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

from parrot import budget, logs
from parrot.errors import InvalidImage, TogetherTooLong, TooExpensive
from parrot.model.served_model import Resampling
from parrot.photo import images
from parrot.photo.children import Children

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection

    from PIL.Image import Image

    from parrot.budget import Cost
    from parrot.model.served_model import InputSpec
    from parrot.photo.geometry import Box
    from parrot.records import Photo, Raster

# What these files say about their size may be false; only decoding shows the real size.
_UNTRUSTED = frozenset({"image/heic", "image/avif"})
_LARGE_BYTES = 64 * budget.MIB
_LONG_SECONDS = 1.0  # the time of a photo that is decoded in this process has no other limit
_ROOM = 4 * budget.MIB  # for what comes back
MOST_SECONDS = 4.0  # of a child's CPU, for one photo
# Of a child's memory, for one photo: libraries and the stacks of their threads, and its estimate,
# of which deep colours take a third more; no more than the largest HEIC needs.
_CHILD_ROOM = 192 * budget.MIB
MOST_BYTES = 640 * budget.MIB
CHILDREN_BYTES = MOST_BYTES + 400 * budget.MIB  # the largest photo, and 12 megapixels beside it
_WORN_BYTES = 384 * budget.MIB  # more than its start: the child is replaced


class Decoder:
    """Photos to pixels.

    Every method raises InvalidImage (422), TooManyRequests, Overloaded, DecoderUnavailable.
    """

    def __init__(self, *, max_pixels: int, isolated: bool = False) -> None:
        """Nothing is started here; `max_pixels` is the largest photo that is decoded.

        `isolated`: other processes decode every photo, so that the kernel limits each one.
        """
        self._max_pixels, self._isolated = max_pixels, isolated
        self._budget = budget.Budget(budget.DECODING_BYTES)
        self._children = Children(CHILDREN_BYTES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """End the child processes, if there are any; they also end with this one."""
        self._children.end()

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
        expensive = cost.bytes > _LARGE_BYTES or cost.seconds > _LONG_SECONDS
        if photo.media_type in _UNTRUSTED or expensive or self._isolated:
            return self._elsewhere(job, photo, options, cost)
        budget.bill().left(cost.seconds)
        with self._budget.reserve(cost.bytes):
            return getattr(images, job)(photo, **options)

    def _elsewhere(self, job: str, photo: Photo, options: dict[str, object], cost: Cost) -> object:
        bill, memory = budget.bill(), min(MOST_BYTES, _CHILD_ROOM + cost.bytes * 4 // 3)
        with (
            self._budget.reserve(_ROOM + len(photo.data)),  # the pixels are in the child
            self._children.turn(bill.caller, memory) as child,
        ):
            seconds = min(MOST_SECONDS, bill.left(cost.seconds))
            try:
                outcome, value = child.ask(job, photo, options, seconds=seconds, memory=memory)
            finally:
                bill.add(child.seconds)
        if outcome == "done":
            return value
        if outcome == "invalid":
            raise InvalidImage(str(value))
        if outcome == "exhausted":
            if seconds < MOST_SECONDS and child.seconds >= seconds:
                raise TogetherTooLong
            raise TooExpensive
        raise RuntimeError(f"decoding failed:\n{value}")


def serve(connection: Connection) -> None:
    """Decode until the other end closes."""
    from PIL import AvifImagePlugin  # noqa: PLC0415 - only children need it

    AvifImagePlugin.DEFAULT_MAX_THREADS = 2  # not one for each core, with memory for each
    start = _address_space()
    while True:
        try:
            job, photo, options, seconds, memory = connection.recv()
        except EOFError:
            return
        used = time.process_time()
        limit_memory(memory)
        signal.setitimer(signal.ITIMER_PROF, seconds)  # of CPU; then SIGPROF ends this process
        outcome, value = _answer(job, photo, options)
        signal.setitimer(signal.ITIMER_PROF, 0)
        limit_memory(None)
        worn = _address_space() > start + _WORN_BYTES
        connection.send((outcome, value, time.process_time() - used, worn))


def _answer(job: str, photo: object, options: dict[str, object]) -> tuple[str, object]:
    try:
        return "done", getattr(images, job)(photo, **options)
    except InvalidImage as error:
        return "invalid", error.detail
    except MemoryError:
        return "exhausted", None
    except Exception:  # noqa: BLE001 - report our own bugs instead of hiding them
        return "failed", traceback.format_exc()


def limit_memory(more: int | None) -> None:
    """At most this many bytes of address space more than now; None: no limit."""
    now, (_, hard) = _address_space(), resource.getrlimit(resource.RLIMIT_AS)
    soft = hard if more is None or not now else now + more
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _address_space() -> int:
    """Bytes; only Linux says how much that is, elsewhere 0."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return 0
    return pages * resource.getpagesize()


if __name__ == "__main__":
    from multiprocessing.connection import Connection

    serve(Connection(int(sys.argv[1])))
