"""Requests whose bodies are read without a function around them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from parrot.http import request_body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Request

    from parrot.budget import Budget


@contextmanager
def admitted(request: Request, bodies: Budget) -> Iterator[None]:
    """As `respond` does: what is read meanwhile is held in `bodies`."""
    with bodies.reserve() as reservation:
        request.environ[request_body.RESERVATION] = reservation
        yield
