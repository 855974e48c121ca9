"""What the commands print: errors as sentences, and how a phone finds the page."""

import io
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import segno
import typer
from rich.console import Console

from local.supervisor import CannotStart, PartFailed
from local.toolchain import ToolMissing
from models.data.labelled_photos import BadDataset
from parrot.errors import ParrotError

out = Console()
err = Console(stderr=True)
USAGE = 2  # the command cannot begin
_FAILED, _INTERRUPTED = 1, 130
_WARNING = (
    "Everybody on this network can use this server and see what is saved under any name: there is"
    " no sign-in and no encryption. Offline use and installing want https."
)
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound
_ANYWHERE = ("192.0.2.1", 9)  # a documentation address: connecting a datagram socket sends nothing


@contextmanager
def errors() -> Iterator[None]:
    """Print expected errors as one sentence, without a traceback."""
    try:
        yield
    except (PartFailed, ParrotError, BadDataset) as error:
        raise _exit(error, _FAILED) from error
    except (CannotStart, ToolMissing) as error:
        raise _exit(error, USAGE) from error
    except KeyboardInterrupt as error:
        err.print("[dim]stopped")
        raise typer.Exit(_INTERRUPTED) from error


def _exit(error: Exception, code: int) -> typer.Exit:
    err.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(code)


def note(text: str) -> None:
    """A line for those who want to know; paths in it may have brackets."""
    err.print(text, style="dim", markup=False, soft_wrap=True)


def invite(host: str, port: int) -> None:
    """For phones: an address, a QR code, and a warning of what listening there means."""
    url = address(host, port)
    if url is not None:
        err.file.write(qr_code(url))
        err.print(f"open on a phone of this network: {url}", highlight=False)
        err.print(f"[yellow]{_WARNING}")


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
