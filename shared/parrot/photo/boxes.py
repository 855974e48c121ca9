"""The boxes of an ISO base media file (ISO/IEC 14496-12) that describe a still picture's items."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from parrot.errors import InvalidImage

if TYPE_CHECKING:
    from collections.abc import Iterator

# In one box, and tiles that are named: a phone's largest grid has two hundred.
MOST_BOXES = 2_000
_MOST_ENTRIES = 20_000  # of all lists in a file
_MOST_PROPERTIES = 64  # of one item: a phone's have six

_Range = tuple[int, int]  # where a body begins and ends in the file


@dataclass(slots=True)
class Meta:
    """What a `meta` box says about items, by their ids."""

    primary: int = 0
    primary_at: _Range = (0, 0)  # where its id is written
    kinds: dict[int, bytes] = field(default_factory=dict)
    flags_at: dict[int, int] = field(default_factory=dict)  # the last bit says "hidden"
    parts: dict[int, list[int]] = field(default_factory=dict)  # of a derived item, in order
    auxiliary: dict[int, list[int]] = field(default_factory=dict)  # the items that it belongs to
    properties: list[tuple[bytes, int, int]] = field(default_factory=list)
    owned: dict[int, list[int]] = field(default_factory=dict)  # places in `properties`
    property_lists: list[tuple[int, int]] = field(default_factory=list)  # version and flags
    extents: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)
    idat: _Range = (0, 0)
    entries_left: int = _MOST_ENTRIES

    def spend(self, entries: int = 1) -> None:
        """Count entries of lists. Raises InvalidImage if a file has too many in all."""
        self.entries_left -= entries
        if self.entries_left < 0:
            raise InvalidImage(f"the image has lists of more than {_MOST_ENTRIES:,} entries")

    def of(self, item: int, kind: bytes) -> list[_Range]:
        """An item's properties of this kind."""
        places = (at for at in self.owned.get(item, ()) if at < len(self.properties))
        properties = (self.properties[at] for at in places)
        return [(start, end) for name, start, end in properties if name == kind]


def boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind of each box from `at` on, and where its body begins and ends. Raises InvalidImage."""
    for _ in range(MOST_BOXES):
        if at + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", data, at)
        body = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, body)
            body += 8
        at = end if size == 0 else at + size
        if at < body:
            raise IndexError
        yield kind, body, min(at, end)
    raise InvalidImage(f"the image has more than {MOST_BOXES:,} boxes in one")


def meta(data: bytes, start: int, end: int) -> Meta:
    """Raises InvalidImage, and struct.error or IndexError where it ends too early."""
    result = Meta()
    for kind, at, stop in boxes(data, start + 4, end):
        if kind == b"idat":
            result.idat = (at, stop)
        elif kind in _READERS:
            _READERS[kind](result, _Fields(result, data, at, stop))
    return result


class _Fields:
    """Reads numbers from a full box, one after the other."""

    def __init__(self, meta: Meta, data: bytes, at: int, end: int) -> None:
        self._meta, self.data, self.at, self.end = meta, data, at, end
        self.version = self.number(1)
        self.flags = self.number(3)

    def number(self, size: int) -> int:
        start, self.at = self.at, self.at + size
        if self.at > self.end:
            raise IndexError
        return int.from_bytes(self.data[start : self.at], "big")

    def count(self, size: int) -> range:
        """For that many entries. Raises InvalidImage."""
        count = self.number(size)
        self._meta.spend(count)
        return range(count)


def _pitm(meta: Meta, fields: _Fields) -> None:
    start = fields.at
    meta.primary = fields.number(4 if fields.version else 2)
    meta.primary_at = start, fields.at


def _iinf(meta: Meta, fields: _Fields) -> None:
    fields.number(4 if fields.version else 2)
    for _, at, end in boxes(fields.data, fields.at, fields.end):
        meta.spend()
        entry = _Fields(meta, fields.data, at, end)
        item = entry.number(2 if entry.version == 2 else 4)  # noqa: PLR2004 - with long ids
        meta.flags_at[item] = at + 3
        meta.kinds[item] = fields.data[entry.at + 2 : entry.at + 6]


def _iref(meta: Meta, fields: _Fields) -> None:
    size = 4 if fields.version else 2
    by_kind = {b"dimg": meta.parts, b"auxl": meta.auxiliary}
    for kind, at, end in boxes(fields.data, fields.at, fields.end):
        meta.spend()
        fields.at, fields.end = at, end
        if kind in by_kind:
            item = fields.number(size)
            by_kind[kind][item] = [fields.number(size) for _ in fields.count(2)]


def _iprp(meta: Meta, fields: _Fields) -> None:
    start = fields.at - 4  # not a full box
    for kind, at, end in boxes(fields.data, start, fields.end):
        if kind == b"ipco":
            meta.properties = list(boxes(fields.data, at, end))
            meta.spend(len(meta.properties))
        elif kind == b"ipma":
            entries = _Fields(meta, fields.data, at, end)
            meta.property_lists.append((entries.version, entries.flags))
            wide = entries.flags & 1
            for _ in entries.count(4):
                item = entries.number(4 if entries.version else 2)
                numbers = [entries.number(1 + wide) for _ in entries.count(1)]
                mask = 0x7FFF if wide else 0x7F  # without the bit that says "essential"
                owned = meta.owned.setdefault(item, [])
                places = [(number & mask) - 1 for number in numbers if number & mask]
                owned += [place for place in dict.fromkeys(places) if place not in owned]
                if len(owned) > _MOST_PROPERTIES:
                    raise InvalidImage(
                        f"an item of the image has more than {_MOST_PROPERTIES} properties"
                    )


def _iloc(meta: Meta, fields: _Fields) -> None:
    sizes = fields.number(2)
    offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    for _ in fields.count(4 if fields.version == 2 else 2):  # noqa: PLR2004 - with long ids
        item = fields.number(4 if fields.version == 2 else 2)  # noqa: PLR2004 - as above
        method = fields.number(2) & 15 if fields.version else 0
        fields.number(2)
        start = fields.number(base)
        for _ in fields.count(2):
            fields.number(index if fields.version else 0)
            at = start + fields.number(offset)
            meta.extents.setdefault(item, []).append((method, at, fields.number(length)))


_READERS = {b"pitm": _pitm, b"iinf": _iinf, b"iref": _iref, b"iprp": _iprp, b"iloc": _iloc}
