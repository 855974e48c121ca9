"""The page on different screens."""

import pytest
from playwright.sync_api import Page

from tests.support.browser import PHONE
from tests.support.visits import Visit, browser, complaints, visit

__all__ = ["browser", "complaints", "visit"]


@pytest.fixture
def desktop(visit: Visit) -> Page:
    """The page on a computer's screen."""
    return visit()


@pytest.fixture
def phone(visit: Visit) -> Page:
    """The page on a phone: small, touched, with three pixels per point."""
    return visit(screen=PHONE, is_mobile=True, has_touch=True, device_scale_factor=3)
