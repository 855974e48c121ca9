"""Every error."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class Problem(TypedDict):
    """Every error (RFC 9457). Programs read `code`; `detail` is for people.

    `photo` says which of several photos it is about, counted from 1; `observation` has the id of
    the observation that is in the way.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    photo: NotRequired[int]
    observation: NotRequired[str]
