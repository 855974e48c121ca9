"""CloudEvent to StoredPhoto: what Cloud Storage says about an object that was written.

The bucket's events are about every object: bundles, what `process` itself writes, the first
version's `index/timestamp.jpg`. Only photos count; for the rest `stored_photo` returns None.
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from parrot.errors import InvalidRequest
from parrot.observation import EPOCH, parse_photo_name
from parrot.records import StoredPhoto

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent

FINALIZED = "google.cloud.storage.object.v1.finalized"

# Any fixed UUID would do; changing it would turn every redelivered event into a second observation.
_NAMESPACE = uuid.UUID("c2a5f0de-6f0b-5c1e-8d57-9d2d0f3b7a41")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SURROGATE = re.compile(r"[\ud800-\udfff]")  # JSON can hold half a character, UTF-8 cannot


def stored_photo(event: CloudEvent) -> StoredPhoto | None:
    """The photo that an event is about; None for every other object or kind of event.

    Integers come as strings or numbers. The subject is optional, so the name comes from the data.
    Raises InvalidRequest for an event that Cloud Storage cannot have sent: a retry would not help.
    """
    if event["type"] != FINALIZED:
        return None
    data = event.data
    if not isinstance(data, dict):
        raise InvalidRequest("the event's data is not a JSON object")
    name = _text(data, "name")
    parts = parse_photo_name(name)
    if parts is None:
        return None
    uid, last = parts
    return StoredPhoto(
        bucket=_text(data, "bucket"),
        name=name,
        generation=_integer(data, "generation"),
        size=_integer(data, "size"),
        content_type=str(data.get("contentType", "")),
        uid=uid,
        id=last if _UUID.fullmatch(last) else str(uuid.uuid5(_NAMESPACE, name)),
        created=_time(data, "timeCreated"),
        species=_species(data),
    )


def _text(data: dict[str, Any], field: str) -> str:
    value = data.get(field)
    if not isinstance(value, str) or not value or _SURROGATE.search(value):
        raise InvalidRequest(f"the event's {field} is missing or not text")
    return value


def _integer(data: dict[str, Any], field: str) -> int:
    value = str(data.get(field))  # so that true and 1.5 are refused
    if not (value.isascii() and value.isdigit()):
        raise InvalidRequest(f"the event's {field} is missing or not a whole number")
    return int(value[:20])  # 64 bits have no more digits


def _time(data: dict[str, Any], field: str) -> datetime:
    try:
        when = datetime.fromisoformat(_text(data, field))
        when = when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(f"the event's {field} is not a time") from error
    if when < EPOCH:
        raise InvalidRequest(f"the event's {field} is before 1970")
    return when


def _species(data: dict[str, Any]) -> str | None:
    """The species id that the phone put into the object's custom metadata."""
    metadata = data.get("metadata")
    species = metadata.get("species") if isinstance(metadata, dict) else None
    return species if isinstance(species, str) else None
