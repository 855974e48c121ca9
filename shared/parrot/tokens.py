"""URLs that open one derived file for a limited time, for anyone who has them."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from itsdangerous import BadData, TimestampSigner
from itsdangerous.encoding import base64_decode, base64_encode

from parrot.errors import Forbidden
from parrot.quota import User

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from parrot.observation import Observation

# URLs stay the same for half an hour, so that phones and their caches recognize them, and work for
# half an hour to an hour.
_WINDOW_SECONDS = 1800
_LIFE_SECONDS = 2 * _WINDOW_SECONDS
# A decoder of base64 skips other letters, so a token would have many spellings.
_TOKEN = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows: to act as this user for one file until then (seconds since 1970)."""

    user: User
    expires: int


class Downloads:
    """Makes and checks tokens: the user, signed for one file of one observation."""

    def __init__(self, secrets: Sequence[bytes], now: Callable[[], float] = time.time) -> None:
        """The first secret signs, all of them are accepted.

        Without a secret no token is made or accepted; URLs then need an Authorization header.
        """
        self._secrets, self._now = tuple(secrets), now

    @property
    def window(self) -> int:
        """Changes whenever the URLs do."""
        return int(self._now()) // _WINDOW_SECONDS if self._secrets else 0

    def path(self, observation: Observation, file: str) -> str:
        """`ID/image?token=...`: where the file is, below the observations."""
        path = f"{quote(observation.id, safe='')}/{file}"
        if not self._secrets:
            return path
        token = self._signer(observation.id, file).sign(base64_encode(observation.uid))
        return f"{path}?token={token.decode()}"

    def grant(self, token: str, observation_id: str, file: str) -> Grant:
        """What the token allows. Raises Forbidden, which reveals only whether it expired."""
        if not self._secrets or not _TOKEN.fullmatch(token):
            raise _invalid()
        try:
            value, signed = self._signer(observation_id, file).unsign(token, return_timestamp=True)
        except BadData as error:
            raise _invalid() from error
        # Not by `max_age`: it refuses what an instance whose clock is a little ahead has just made.
        expires = int(signed.timestamp()) + _LIFE_SECONDS
        if expires <= self._now():
            raise Forbidden("this download URL has expired; read the observation for a new one")
        uid = base64_decode(value).decode()
        return Grant(User.owning(uid), expires)

    def _signer(self, observation_id: str, file: str) -> _WindowSigner:
        """Its key is derived for one file, so that its tokens open no other."""
        return _WindowSigner(
            self._secrets[::-1],  # the last one signs
            salt=f"{file} of {observation_id}",
            start=self.window * _WINDOW_SECONDS,
        )


class _WindowSigner(TimestampSigner):
    """Dates its tokens from the window's start, so that they are all the same until the next."""

    def __init__(self, secrets: Sequence[bytes], *, salt: str, start: int) -> None:
        # SHA-384 fills base64 letters without spare bits: no token can be spelled in two ways.
        super().__init__(secrets, salt=salt, key_derivation="hmac", digest_method=hashlib.sha384)
        self._start = start

    def get_timestamp(self) -> int:
        """Seconds since 1970."""
        return self._start


def _invalid() -> Forbidden:
    return Forbidden("this download URL is not valid; read the observation for a new one")
