"""Who is calling: the user behind the bearer token, and the app behind the App Check token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from parrot import logs
from parrot.errors import Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Request

    from parrot.config import Settings
    from parrot.records import User


class Identity(Protocol):
    """Knows the user behind a bearer token."""

    def user(self, token: str) -> User:
        """Raises Unauthenticated, IdentityUnavailable."""


class AppCheck(Protocol):
    """Knows whether a call comes from one of the project's own apps."""

    def check(self, token: str) -> None:
        """Raises Unauthenticated, IdentityUnavailable."""


def user(request: Request, identity: Callable[[], Identity]) -> User | None:
    """The caller, or None if they sent no credentials. Raises Unauthenticated for invalid ones."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("the Authorization header is not 'Bearer <token>'")
    signed_in = identity().user(token.strip())
    logs.note_user(signed_in.uid)
    return signed_in


def attest(request: Request, config: Settings, app_check: Callable[[], AppCheck]) -> None:
    """Let only the project's own apps in, if the deployment requires it.

    Raises Unauthenticated.
    """
    if config.require_app_check:
        token = request.headers.get("X-Firebase-AppCheck")
        if not token:
            raise Unauthenticated("this deployment requires an X-Firebase-AppCheck token")
        app_check().check(token)
