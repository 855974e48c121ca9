"""Who is calling: a user by bearer token, an app by App Check token, a visitor without a login.

With IDENTITY=local everybody is trusted, so there other sites' pages are kept out: a page from
anywhere can make its visitor's browser call 127.0.0.1, and by DNS rebinding even under the page's
own name. So the name that was asked for has to be this machine's, and a page that calls has to come
from there too.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from parrot import logs
from parrot.errors import Forbidden, Unauthenticated
from parrot.quota import User, Visitor

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from flask import Request

    from parrot.config import Settings

_LOCAL_TOKEN = re.compile(r"local:([A-Za-z0-9_-]{1,64})")
_LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - nothing is bound here
_IPV6_NETWORK = 64  # one customer's network: a phone may use all of it


class Identity(Protocol):
    """Knows the user behind a bearer token."""

    def user(self, token: str) -> User:
        """Raises Unauthenticated, IdentityUnavailable."""


class LocalIdentity:
    """`local:NAME` is the user NAME. For local use only: `config` refuses it on Cloud Run."""

    def __init__(self, reviewers: Collection[str] = ()) -> None:
        self._reviewers = reviewers

    def user(self, token: str) -> User:
        """The token's user. Raises Unauthenticated."""
        match = _LOCAL_TOKEN.fullmatch(token)
        if match is None:
            raise Unauthenticated(
                "a local token is local:NAME, with only letters, digits, '_' and '-' in NAME"
            )
        try:
            return User(match[1], reviewer=match[1] in self._reviewers)
        except ValueError as error:
            raise Unauthenticated(str(error)) from error


def user(
    request: Request,
    config: Settings,
    identity: Callable[[], Identity],
    app_check: Callable[[], Callable[[str], None]],
) -> User | None:
    """The caller, or None if they sent no credentials. Raises Unauthenticated for invalid ones.

    Lets only the project's own apps in, if the deployment requires it: then `app_check` gives what
    refuses the token of any other.
    """
    if config.require_app_check:
        token = request.headers.get("X-Firebase-AppCheck")
        if not token:
            raise Unauthenticated("this deployment requires an X-Firebase-AppCheck token")
        app_check()(token)
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("the Authorization header is not 'Bearer <token>'")
    signed_in = identity().user(token.strip())
    logs.note_user(signed_in.uid)
    return signed_in


def visitor(request: Request, config: Settings, signed_in: User | None) -> Visitor:
    """Whose limits in this instance's memory a request counts against; call `user` first.

    Of those who are not signed in, a checked App Check token stands for one installed app. Without
    one the address counts.
    """
    if signed_in is not None and not signed_in.anonymous:
        return Visitor.signed_in(signed_in.uid)
    token = request.headers.get("X-Firebase-AppCheck")
    if config.require_app_check and token:
        return Visitor(hashlib.sha256(token.encode()).hexdigest())
    return address(request, config)


def address(request: Request, config: Settings) -> Visitor:
    """Where a request comes from.

    Each proxy appends to X-Forwarded-For where a request came from, so only the last entries, one
    for each proxy of ours, are true; a client may have written all others. Firebase Hosting appends
    its own content network there, and names the phone in a header that anyone could send.
    """
    hops = [request.remote_addr or "", *request.headers.get("X-Forwarded-For", "").split(",")]
    proxies = config.trusted_proxies
    at = hops[-proxies] if 0 < proxies < len(hops) else hops[0]
    hop = network(at) or "unknown"
    phone = network(request.headers.get("Fastly-Client-IP", "")) if proxies else None
    return Visitor(hop) if phone in {None, hop} else Visitor(str(phone), via=hop)


def network(text: str) -> str | None:
    """The address that limits count by: IPv6 by its /64; None for what is not an address."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address), _IPV6_NETWORK), strict=False))
    return str(address)


def require_own_page(request: Request, config: Settings) -> None:
    """Refuse other sites' pages, only if IDENTITY=local. Raises Forbidden."""
    if config.identity != "local":
        return
    host = request.headers.get("Host", "")
    if not _is_here(host, config.local_host):
        raise Forbidden("the local stack answers to 127.0.0.1, localhost and its --host only")
    origin = request.headers.get("Origin")
    if origin is not None and origin not in {f"http://{host}", *config.cors_origins}:
        raise Forbidden("the local stack answers to its own page only; see CORS_ORIGINS")


def _is_here(host: str, listening: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        if name in {*_LOCAL_HOSTS, listening}:
            return True
        # Rebinding needs a name: an address is what the caller meant.
        return listening in _EVERYWHERE and bool(ipaddress.ip_address(name))
    except ValueError:
        return False
