"""What is kept about a person: in figures, and all of it as ZIP archives.

An archive holds at most so many photos and bytes, because no transfer may take for ever; whoever
has more gets the next part by a token. Photos are stored as they are and their sizes are known, so
the length is known before anything is read, and a download that broke off can go on.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from parrot import page_token
from parrot.errors import StoreUnavailable
from parrot.observation import document, instant
from parrot.records import OpenObject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from parrot.observation import Observation, Place, Status
    from parrot.quota import User
    from parrot.store import ObservationStore, PhotoStore

MOST_PHOTOS, MOST_BYTES = 100, 96 * 2**20  # of one archive
_PAGE = 100
_PIECE_BYTES = 512 * 1024
_LOCAL, _DESCRIPTOR, _CENTRAL, _END = 30, 16, 46, 22  # bytes of a ZIP's headers
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # that a ZIP can hold
_COLUMNS = ("id", "created", "photo", "species", "text", "training", "status", "verdict", "bundle")


@dataclass(frozen=True, slots=True)
class Summary:
    """What is kept about a person."""

    statuses: Counter[Status]
    training: Counter[bool | None]  # what they said of each photo
    first: datetime | None  # when they saved
    last: datetime | None


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str  # ASCII
    modified: tuple[int, int, int, int, int, int]
    size: int
    read: Callable[[int, int], bytes]


class Takeout:
    """Reads one person's own."""

    def __init__(self, store: ObservationStore, photos: PhotoStore) -> None:
        self._store, self._photos = store, photos

    def summary(self, user: User) -> Summary:
        """Raises StoreUnavailable."""
        statuses: Counter[Status] = Counter()
        training: Counter[bool | None] = Counter()
        first = last = None
        for row in self._all(user):
            statuses[row.status] += 1
            training[row.consent.given if row.consent else None] += 1
            first, last = row.created, last or row.created
        return Summary(statuses, training, first, last)

    def part(self, user: User, token: str | None) -> tuple[OpenObject, str | None]:
        """An archive, newest photos first, and the token of the next one if there is more.

        Raises InvalidRequest for a token of something else, StoreUnavailable.
        """
        scope = page_token.scope(user.uid, "export")
        after = None if token is None else page_token.read(token, scope)
        page = self._store.page(user.uid, size=MOST_PHOTOS, after=after)
        rows: list[Observation] = []
        photos: dict[str, _Entry] = {}
        size = 0
        for row in page.observations:
            original = self._photos.open(row.object_name)
            size += original.size if original else 0
            if rows and size > MOST_BYTES:
                break
            rows.append(row)
            if original is not None:
                photos[row.id] = _photo(row, original)
        more = page.next is not None or len(rows) < len(page.observations)
        return _archive(rows, photos), page_token.written(rows[-1].place, scope) if more else None

    def _all(self, user: User) -> Iterator[Observation]:
        after: Place | None = None
        while True:
            page = self._store.page(user.uid, size=_PAGE, after=after)
            yield from page.observations
            if page.next is None:
                return
            after = page.next


def _archive(rows: Sequence[Observation], photos: dict[str, _Entry]) -> OpenObject:
    """As an object that is read in parts, best one after the other."""
    documents = json.dumps([_document(row) for row in rows], ensure_ascii=False, indent=1)
    texts = {"observations.json": documents, "observations.csv": _table(rows, photos)}
    entries = [_text(name, text) for name, text in texts.items()] + list(photos.values())
    size = _END + sum(
        _LOCAL + _DESCRIPTOR + _CENTRAL + 2 * len(entry.name) + entry.size for entry in entries
    )
    tag = hashlib.sha256("".join(texts.values()).encode()).hexdigest()[:32]
    return OpenObject(size, tag, _Reader(entries).read)


def _document(row: Observation) -> dict[str, Any]:
    """Everything but who the reviewers are: that is about them."""
    fields = document(row)
    for opinion in fields["opinions"]:
        del opinion["reviewer"]
    return fields


def _table(rows: Sequence[Observation], photos: dict[str, _Entry]) -> str:
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(_COLUMNS)
    for row in rows:
        label, verdict, photo = row.label, row.verdict, photos.get(row.id)
        table.writerow(
            [
                *(row.id, instant(row.created), photo.name if photo else ""),
                *((label.species, label.text or "") if label else ("", "")),
                "" if row.consent is None else json.dumps(row.consent.given),
                row.status.value,
                *((verdict.species or "not-a-parrot", verdict.bundle) if verdict else ("", "")),
            ]
        )
    return out.getvalue()


def _text(name: str, text: str) -> _Entry:
    data = text.encode()
    return _Entry(name, _EARLIEST, len(data), lambda first, end: data[first:end])


def _photo(row: Observation, original: OpenObject) -> _Entry:
    name = f"photos/{row.id}.{row.media_type.rpartition('/')[2]}"
    when = row.created.timetuple()
    modified = (when.tm_year, when.tm_mon, when.tm_mday, when.tm_hour, when.tm_min, when.tm_sec)
    return _Entry(name, max(modified, _EARLIEST), original.size, original.read)


class _Reader:
    """Makes the archive again from its start whenever a part is not the next one."""

    def __init__(self, entries: Sequence[_Entry]) -> None:
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


def _zipped(entries: Sequence[_Entry]) -> Iterator[bytes]:
    from zipfile import ZipFile, ZipInfo  # noqa: PLC0415 - 5 ms, for few

    sink = _Sink()
    with ZipFile(sink, "w") as archive:  # type: ignore[call-overload]  # it needs no more
        for entry in entries:
            about = ZipInfo(entry.name, entry.modified)
            about.file_size = entry.size
            with archive.open(about, "w") as file:
                for at in range(0, entry.size, _PIECE_BYTES):
                    file.write(entry.read(at, min(at + _PIECE_BYTES, entry.size)))
                    yield sink.taken()
    yield sink.taken()
