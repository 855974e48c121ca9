"""What a new instance must have, and a new revision must reach, before requests come to it.

Only the platform and deploy.sh ask: Hosting passes no such path on. An instance starts without its
neighbours, because an answer of 503 with Retry-After is better than none; a revision that cannot
reach them gets no traffic.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from parrot.http import answers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Request, Response

PARTS, NEIGHBOURS = "/ready", "/ready/all"


@dataclass(frozen=True, slots=True)
class Probe:
    """What builds the parts of the function's first request, and what asks its neighbours.

    Anybody may call a function's own URL, so asking neighbours counts against the caller, by
    `charge`.
    """

    parts: tuple[Callable[[], object], ...]
    neighbours: tuple[Callable[[], object], ...]
    charge: Callable[[Request], object] = lambda _request: None

    def methods(self, path: str) -> Mapping[str, Callable[[Request], Response]] | None:
        """The methods of a path, or None if it does not ask for readiness."""
        return {"GET": partial(self._answer, path)} if path in {PARTS, NEIGHBOURS} else None

    def _answer(self, path: str, request: Request) -> Response:
        if path == NEIGHBOURS:
            self.charge(request)
        for need in self.parts if path == PARTS else (*self.parts, *self.neighbours):
            need()
        return answers.empty()
