"""How much each caller may use, and all of them together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parrot.wiring import neighbours, once, settings

if TYPE_CHECKING:
    from flask import Request

    from parrot.budget import Budget
    from parrot.quota import CpuSeconds, Meter, User, Visitors

_MINUTE, _DAY = 60, 24 * 60 * 60
_SEARCH_BYTES = 2**18  # so that who reviews as fast as they can never notices
_ROW_BYTES = 2**14  # a row of a list costs a read: 16,000 a minute by default


@once
def body_budget() -> Budget:
    from parrot.budget import BODY_BYTES, Budget

    return Budget(BODY_BYTES)


def _meter(name: str, limit: int, seconds: int) -> Meter:
    from parrot.quota import Meter
    from parrot.store import Quota

    return Meter(neighbours.observation_store, Quota(name, limit, seconds))


@once
def classify_meter() -> Meter:
    return _meter("classifications", settings().classifications_per_minute, _MINUTE)


@once
def relabel_meter() -> Meter:
    return _meter("relabels", settings().relabels_per_day, _DAY)


@once
def save_meter() -> Meter:
    """Counts what `save` stores, and what phones upload directly."""
    return _meter("saves", settings().saves_per_day, _DAY)


@once
def visitors() -> Visitors:
    from parrot.quota import Visitors

    return Visitors(settings().classifications_per_address)


def charge_stranger(request: Request) -> None:
    """Count what anybody may ask for like a classification. Raises TooManyRequests."""
    from parrot.http import caller

    visitors().take(caller.address(request, settings()))


@once
def cpu_seconds() -> CpuSeconds:
    from parrot.quota import CpuSeconds

    return CpuSeconds(settings().cpu_seconds_per_caller)


def charge_bytes(user: User, size: int) -> None:
    """Count a download, or what costs as much. Raises TooManyRequests."""
    from parrot.quota import Visitor

    downloaded().download(Visitor.signed_in(user.uid), size)


def charge_searches(user: User, count: int = 1) -> None:
    """Searches for similar photos: each hundred vectors cost a read. Raises TooManyRequests."""
    charge_bytes(user, count * _SEARCH_BYTES)


def charge_rows(user: User, count: int) -> None:
    """Rows of a list: each costs a read. Raises TooManyRequests."""
    charge_bytes(user, count * _ROW_BYTES)


@once
def downloaded() -> Visitors:
    """Bytes of files, counted in memory: a shared counter would cost a write for each thumbnail."""
    from parrot.quota import DOWNLOADED, Visitors

    return Visitors(settings().download_mib_per_minute * 2**20, quota=DOWNLOADED)
