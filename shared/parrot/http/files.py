"""A stored photo as an answer: read from the bucket in pieces, while it is sent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from parrot.observations import StoredFile
    from parrot.store import OpenObject
    from parrot.tokens import Grant

# Of the bucket's object in memory. A larger piece costs fewer requests, but each thread has one.
_PIECE_BYTES = 512 * 1024


class FileResponse(Response):
    """The whole file, until `send` says which part of it."""

    def __init__(
        self,
        content: OpenObject,
        charge: Callable[[int], None],
        media_type: str,
        *,
        from_start: bool = False,
    ) -> None:
        """`charge` is told how many bytes are read, and may refuse.

        What comes before a part is read too, if the content is only made `from_start`.
        """
        super().__init__(content_type=media_type)
        self._content, self._charge, self._from_start = content, charge, from_start
        self.content_length = content.size
        self.accept_ranges = "bytes"
        self.set_etag(content.tag)

    def send(self, first: int, end: int) -> None:
        """Send only the bytes from `first` to before `end`.

        The first piece is read at once: what goes wrong can still become an answer. Raises
        TooManyRequests, StoreUnavailable.
        """
        self._charge(end if self._from_start else end - first)
        start = self._content.read(first, min(first + _PIECE_BYTES, end)) if first < end else b""
        self.response = self._pieces(start, first + len(start), end)

    def _pieces(self, start: bytes, first: int, end: int) -> Iterator[bytes]:
        yield start
        for at in range(first, end, _PIECE_BYTES):
            yield self._content.read(at, min(at + _PIECE_BYTES, end))


def answer(
    stored: StoredFile,
    grant: Grant | None,
    charge: Callable[[int], None],
    *,
    from_start: bool = False,
) -> Response:
    """A photo, or the part of it that is asked for. Caches may keep it as long as its URL works.

    Unchecked files are sent as attachments.
    """
    media_type = stored.media_type or "application/octet-stream"
    response = FileResponse(stored.content, charge, media_type, from_start=from_start)
    if stored.media_type is None:
        response.headers["Content-Disposition"] = "attachment"
    age = max(0, grant.expires - int(time.time())) if grant is not None else 0
    response.headers["Cache-Control"] = f"private, max-age={age}"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
