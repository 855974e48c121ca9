"""The page on different screens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import PHONE
from tests.support.visits import browser, complaints, visit

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.visits import Visit

__all__ = ["browser", "complaints", "visit"]

FOLDER = Path(__file__).parent
SLOW = {
    "test_a_slow_upload_shows_that_it_moves": -1,
    "test_four_megabytes_at_forty_kilobytes_a_second_arrive": 1,
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin the slow upload before this folder's other tests, and wait for its end after them."""
    places = [at for at, item in enumerate(items) if item.path.parent == FOLDER]
    tests = sorted((items[at] for at in places), key=lambda item: SLOW.get(item.name, 0))
    for at, item in zip(places, tests, strict=True):
        items[at] = item


@pytest.fixture
def desktop(visit: Visit) -> Page:
    """The page on a computer's screen."""
    return visit()


@pytest.fixture
def phone(visit: Visit) -> Page:
    """The page on a phone: small, touched, with three pixels per point."""
    return visit(screen=PHONE, is_mobile=True, has_touch=True, device_scale_factor=3)
