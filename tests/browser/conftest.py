"""The page on different screens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import PHONE
from tests.support.visits import browser, complaints, visit

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.visits import Visit

__all__ = ["browser", "complaints", "visit"]


@pytest.fixture
def desktop(visit: Visit) -> Page:
    """The page on a computer's screen."""
    return visit()


@pytest.fixture
def phone(visit: Visit) -> Page:
    """The page on a phone: small, touched, with three pixels per point."""
    return visit(screen=PHONE, is_mobile=True, has_touch=True, device_scale_factor=3)
