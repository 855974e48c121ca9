"""Bearer tokens to users, on a developer's machine."""

from __future__ import annotations

import re

from parrot.errors import Unauthenticated
from parrot.records import User

_LOCAL_TOKEN = re.compile(r"local:([A-Za-z0-9_-]{1,64})")


class LocalIdentity:
    """`local:NAME` is the user NAME. For local use only: `config` refuses it on Cloud Run."""

    def user(self, token: str) -> User:
        """The token's user. Raises Unauthenticated."""
        match = _LOCAL_TOKEN.fullmatch(token)
        if match is None:
            raise Unauthenticated(
                "a local token is local:NAME, with only letters, digits, '_' and '-' in NAME"
            )
        try:
            return User(match[1])
        except ValueError as error:
            raise Unauthenticated(str(error)) from error
