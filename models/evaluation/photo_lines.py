"""Lines of the log about photos, as `gcloud logging read --format=json` or a local log has them.

`parrot.measured` writes them. What is not such a line is left out, and so is one that has something
else where a measure should be: an export has whatever its filter let through.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

import msgspec

from parrot.measured import MESSAGE
from parrot.records import Reason

NO_VERSION = "(no version)"
VERDICTS = ("yes", "maybe", "no")
NAMES = ("none", "one", "several")
_Version = Annotated[str, msgspec.Meta(pattern=r"^[\x20-\x7e]{1,64}$")]


class PhotoLine(msgspec.Struct, frozen=True):
    """What was measured of one photo; None for what its bundle does not tell."""

    bundle: _Version
    verdict: Literal["yes", "maybe", "no"]
    doubt: float
    brightness: float
    sharpness: float
    side: float
    app: _Version = NO_VERSION
    reason: Reason | None = None
    names: int | None = None  # species that it may be
    distance: float | None = None


def parsed(text: str) -> Iterator[PhotoLine]:
    """Of a JSON list of entries, or of JSON objects line by line."""
    for entry in _entries(text):
        raw = entry.get("jsonPayload", entry) if isinstance(entry, dict) else None
        if isinstance(raw, dict) and raw.get("message") == MESSAGE:
            try:
                yield msgspec.convert(raw, PhotoLine)
            except msgspec.ValidationError:
                continue


def _entries(text: str) -> Iterator[Any]:
    """One decoded at a time: a week may have a million."""
    rows: Sequence[str | msgspec.Raw]
    try:
        rows = msgspec.json.decode(text, type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        rows = text.splitlines()
    for row in rows:
        try:
            yield msgspec.json.decode(row)
        except (msgspec.DecodeError, RecursionError):  # another program's, or cut
            continue
