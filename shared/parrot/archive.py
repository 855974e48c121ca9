"""A ZIP that is made while it is read.

Files are stored as they are and their sizes are known, so the length is known before anything is
read, and a download that broke off can go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from parrot.errors import StoreUnavailable
from parrot.store import OpenObject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_PIECE_BYTES = 512 * 1024
_LOCAL, _DESCRIPTOR, _CENTRAL, _END = 30, 16, 46, 22  # bytes of a ZIP's headers


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the archive; `read` gives its bytes from one place to another."""

    name: str  # ASCII
    modified: tuple[int, int, int, int, int, int]
    size: int
    read: Callable[[int, int], bytes]


def archive(entries: Sequence[Entry], tag: str) -> OpenObject:
    """As an object that is read in parts, best one after the other."""
    size = _END + sum(
        _LOCAL + _DESCRIPTOR + _CENTRAL + 2 * len(entry.name) + entry.size for entry in entries
    )
    return OpenObject(size, tag, _Reader(entries).read)


class _Reader:
    """Makes the archive again from its start whenever a part is not the next one."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._pieces: Iterator[bytes] = iter(())
        self._at, self._rest = -1, b""

    def read(self, first: int, end: int) -> bytes:
        """Raises StoreUnavailable, also if a photo was replaced."""
        if self._at != first:
            self._pieces, self._at, self._rest = _zipped(self._entries), 0, b""
            while self._at < first:
                self._take(first - self._at)
        taken = []
        while self._at < end:
            taken.append(self._take(end - self._at))
        return b"".join(taken)

    def _take(self, most: int) -> bytes:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                raise StoreUnavailable("the export cannot be made now (a photo has another size)")
            self._rest = piece
        piece, self._rest = self._rest[:most], self._rest[most:]
        self._at += len(piece)
        return piece


class _Sink:
    """What the archive is written to: it keeps no more than a piece."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _zipped(entries: Sequence[Entry]) -> Iterator[bytes]:
    from zipfile import ZipFile, ZipInfo  # noqa: PLC0415 - 5 ms, for few

    sink = _Sink()
    with ZipFile(sink, "w") as zipped:  # type: ignore[call-overload]  # it needs no more
        for entry in entries:
            about = ZipInfo(entry.name, entry.modified)
            about.file_size = entry.size
            with zipped.open(about, "w") as file:
                for at in range(0, entry.size, _PIECE_BYTES):
                    file.write(entry.read(at, min(at + _PIECE_BYTES, entry.size)))
                    yield sink.taken()
    yield sink.taken()
