"""Where a page of a list ended, as a token that only continues the same list."""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import timedelta

from parrot.errors import InvalidRequest
from parrot.observation import EPOCH, Place, micros

_VERSION = 1
_DIGEST_BYTES = 8
_HEAD = 1 + _DIGEST_BYTES + 8


def scope(*parts: str) -> bytes:
    """What a token belongs to, in eight bytes."""
    return hashlib.sha256("\n".join(parts).encode()).digest()[:_DIGEST_BYTES]


def written(place: Place, scope: bytes) -> str:
    """The token of a place."""
    created = micros(place.created).to_bytes(8, "big")
    raw = bytes([_VERSION]) + scope + created + place.id.encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def read(token: str, scope: bytes) -> Place:
    """Where the page before ended. Raises InvalidRequest.

    Not signed: a caller who makes one up gets another part of their own list.
    """
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        since = timedelta(microseconds=int.from_bytes(raw[_HEAD - 8 : _HEAD], "big"))
        place = Place(EPOCH + since, raw[_HEAD:].decode())
    except (binascii.Error, ValueError, OverflowError) as error:
        raise InvalidRequest("page_token is not valid") from error
    if not place.id or written(place, raw[1 : 1 + _DIGEST_BYTES]) != token:
        raise InvalidRequest("page_token is not valid")
    if raw[1 : 1 + _DIGEST_BYTES] != scope:
        raise InvalidRequest("page_token belongs to another list: keep species and status")
    return place
