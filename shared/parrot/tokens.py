"""URLs that hand out one derived file for a limited time, to whoever holds them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from parrot.errors import Forbidden
from parrot.records import ANONYMOUS_UID, User

if TYPE_CHECKING:
    from collections.abc import Callable

    from parrot.observation import Observation

_VERSION = 1
_MAC_BYTES = 16
_HEAD_BYTES = 1 + 8
# URLs stay the same for half an hour, so that phones and their caches know them again, and work
# for half an hour to an hour.
_WINDOW_SECONDS = 1800


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows: to act as this user for one file until then (seconds since 1970)."""

    user: User
    expires: int


class Downloads:
    """Makes and checks tokens: an HMAC-SHA256 over the observation, the file, user and expiry."""

    def __init__(self, secret: bytes | None, now: Callable[[], float] = time.time) -> None:
        """Without a secret no token is made or believed; URLs then want an Authorization header."""
        self._secret, self._now = secret, now

    @property
    def window(self) -> int:
        """Changes whenever the URLs do."""
        return int(self._now()) // _WINDOW_SECONDS if self._secret else 0

    def path(self, observation: Observation, file: str) -> str:
        """`ID/image?token=...`: where the file is, below the observations."""
        path = f"{quote(observation.id, safe='')}/{file}"
        if self._secret is None:
            return path
        expires = (self.window + 2) * _WINDOW_SECONDS
        head = bytes([_VERSION]) + expires.to_bytes(8, "big")
        uid = observation.uid.encode()
        mac = self._mac(self._secret, head, uid, observation.id, file)
        token = base64.urlsafe_b64encode(head + mac + uid).rstrip(b"=").decode()
        return f"{path}?token={token}"

    def grant(self, token: str, observation_id: str, file: str) -> Grant:
        """What the token allows. Raises Forbidden, the same for every reason but age."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise _bad() from error
        head, mac, uid = (
            raw[:_HEAD_BYTES],
            raw[_HEAD_BYTES : _HEAD_BYTES + _MAC_BYTES],
            raw[_HEAD_BYTES + _MAC_BYTES :],
        )
        if self._secret is None or head[:1] != bytes([_VERSION]):
            raise _bad()
        if not hmac.compare_digest(mac, self._mac(self._secret, head, uid, observation_id, file)):
            raise _bad()
        expires = int.from_bytes(head[1:], "big")
        if expires <= self._now():
            raise Forbidden("this download URL has expired; read the observation for a new one")
        name = uid.decode()
        return Grant(User(name, anonymous=name == ANONYMOUS_UID), expires)

    @staticmethod
    def _mac(secret: bytes, head: bytes, uid: bytes, observation_id: str, file: str) -> bytes:
        # None of the parts holds a line break; the head's length is fixed.
        message = b"\n".join((head, file.encode(), observation_id.encode(), uid))
        return hmac.digest(secret, message, hashlib.sha256)[:_MAC_BYTES]


def _bad() -> Forbidden:
    return Forbidden("this download URL is no good; read the observation for a new one")
