"""For a phone on the same network: the address, a QR code of it, and what it means."""

from __future__ import annotations

import io
import socket
from typing import TYPE_CHECKING

import segno

if TYPE_CHECKING:
    from collections.abc import Callable

WARNING = (
    "Everybody on this network can use this server and see what is saved under any name: there is"
    " no sign-in and no encryption. Offline use and installing want https."
)
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound
_ANYWHERE = ("192.0.2.1", 9)  # a documentation address: connecting a datagram socket sends nothing


def own_address() -> str:
    """The address that this machine has on its network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ANYWHERE)
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def address(host: str, port: int, own: Callable[[], str] = own_address) -> str | None:
    """The URL for other devices; None if the server listens to this machine only.

    `own` finds this machine's address where the server listens everywhere.
    """
    if host in _LOOPBACK:
        return None
    name = own() if host in _EVERYWHERE else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def qr_code(url: str) -> str:
    """The URL as blocks for a terminal."""
    text = io.StringIO()
    segno.make(url, error="l").terminal(text, compact=True)
    return text.getvalue()
