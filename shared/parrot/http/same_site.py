"""Keeps other sites' pages out where IDENTITY=local trusts everybody.

A page from anywhere can make its visitor's browser call 127.0.0.1, and by DNS rebinding even under
the page's own name. So the name that was asked for has to be this machine's, and a page that calls
has to come from there too.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from parrot.errors import Forbidden

if TYPE_CHECKING:
    from flask import Request

    from parrot.config import Settings

_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - nothing is bound here


def require(request: Request, config: Settings) -> None:
    """Raises Forbidden. Does nothing where callers have to sign in."""
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
        if name in {*_NAMES, listening}:
            return True
        # Rebinding needs a name: who asked for an address really means it.
        return listening in _EVERYWHERE and bool(ipaddress.ip_address(name))
    except ValueError:
        return False
