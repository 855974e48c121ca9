"""CloudEvents: a photo was stored or deleted, or it is time to sweep.

The bucket's events are about every object: bundles, what `process` itself writes, the first
version's `index/timestamp.jpg`. Only photos count; for the rest `stored_photo` returns None.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from cloudevents.http import from_http

from parrot.errors import InvalidRequest
from parrot.observation import StoredPhoto, parse_photo_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cloudevents.http import CloudEvent

FINALIZED = "google.cloud.storage.object.v1.finalized"
DELETED = "google.cloud.storage.object.v1.deleted"
SWEEP = "parrot.sweep"  # our own: a clock sends it every few minutes

# Any fixed UUID would do; changing it would turn every redelivered event into a second observation.
_NAMESPACE = uuid.UUID("c2a5f0de-6f0b-5c1e-8d57-9d2d0f3b7a41")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SURROGATE = re.compile(r"[\ud800-\udfff]")  # JSON can hold half a character, UTF-8 cannot


def received(headers: Mapping[str, str], body: bytes) -> CloudEvent:
    """The event of an HTTP request, in binary or structured mode. Raises InvalidRequest.

    Nothing of the request is quoted: its headers hold the sender's token.
    """
    try:
        return from_http(headers, body)
    except Exception as error:  # the library raises almost anything on malformed events
        raise InvalidRequest("the request is not a CloudEvent") from error


def stored_photo(event: CloudEvent) -> StoredPhoto | None:
    """The photo that was stored; None for every other object or kind of event.

    Integers come as strings or numbers. The subject is optional, so the name comes from the data.
    Raises InvalidRequest for an event that Cloud Storage cannot have sent: a retry would not help.
    """
    return _photo_of(event) if event["type"] == FINALIZED else None


def deleted_photo(event: CloudEvent) -> StoredPhoto | None:
    """The photo that was deleted or overwritten; otherwise as `stored_photo`."""
    return _photo_of(event) if event["type"] == DELETED else None


def _photo_of(event: CloudEvent) -> StoredPhoto | None:
    data = event.data
    if not isinstance(data, dict):
        raise InvalidRequest("the event's data is not a JSON object")
    bucket, generation = _text(data, "bucket"), _integer(data, "generation")
    name = _text(data, "name")
    parts = parse_photo_name(name)
    if parts is None:
        return None
    uid, last = parts
    observation_id = last if _UUID.fullmatch(last) else str(uuid.uuid5(_NAMESPACE, name))
    return StoredPhoto(bucket, name, generation, uid, observation_id)


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
