"""What is kept about a person: in figures, and all of it as ZIP archives.

An archive holds at most so many photos and bytes, because no transfer may take forever; a token
leads to the next part.
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
from parrot.archive import Entry, archive
from parrot.documents import document, instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from parrot.observation import Observation, Place, Status
    from parrot.quota import User
    from parrot.store import ObservationStore, OpenObject, PhotoStore

MOST_PHOTOS, MOST_BYTES = 100, 96 * 2**20  # of one archive
_PAGE = 500  # read at once for figures: each page is a request to the store
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # that a ZIP can hold
_COLUMNS = ("id", "created", "photo", "species", "text", "training", "status", "verdict", "bundle")


@dataclass(frozen=True, slots=True)
class Summary:
    """What is kept about a person."""

    statuses: Counter[Status]
    training: Counter[bool | None]  # what they said of each photo
    first: datetime | None  # when they saved
    last: datetime | None


class Takeout:
    """Reads what is kept about one person."""

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
        photos: dict[str, Entry] = {}
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


def _archive(rows: Sequence[Observation], photos: dict[str, Entry]) -> OpenObject:
    """Labels and verdicts, as JSON and CSV, then the photos."""
    documents = json.dumps([_document(row) for row in rows], ensure_ascii=False, indent=1)
    texts = {"observations.json": documents, "observations.csv": _table(rows, photos)}
    entries = [_text(name, text) for name, text in texts.items()] + list(photos.values())
    tag = hashlib.sha256("".join(texts.values()).encode()).hexdigest()[:32]
    return archive(entries, tag)


def _document(row: Observation) -> dict[str, Any]:
    """Everything but who the reviewers are: that is about them."""
    fields = document(row)
    for opinion in fields["opinions"]:
        del opinion["reviewer"]
    return fields


def _table(rows: Sequence[Observation], photos: dict[str, Entry]) -> str:
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


def _text(name: str, text: str) -> Entry:
    data = text.encode()
    return Entry(name, _EARLIEST, len(data), lambda first, end: data[first:end])


def _photo(row: Observation, original: OpenObject) -> Entry:
    name = f"photos/{row.id}.{row.media_type.rpartition('/')[2]}"
    when = row.created.timetuple()
    modified = (when.tm_year, when.tm_mon, when.tm_mday, when.tm_hour, when.tm_min, when.tm_sec)
    return Entry(name, max(modified, _EARLIEST), original.size, original.read)
