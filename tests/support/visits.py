"""A real browser that shows the page: fixtures for every folder that has a `running_url`."""

import os
from collections.abc import Iterator
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.support.browser import DESKTOP, Complaints, find_chromium
from tests.support.required import missing


class Visit(Protocol):
    """Opens a page of the service in a context of its own: no cookies, nothing remembered."""

    def __call__(
        self, path: str = "/", *, screen: ViewportSize = DESKTOP, **context: Any
    ) -> Page: ...


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Headless Chromium, started once for all tests of this folder."""
    chromium = find_chromium()
    if chromium is None:
        missing(
            "needs Chromium: install it, or name one in PLAYWRIGHT_CHROMIUM",
            required_by="REQUIRE_BROWSER",
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            chromium_sandbox=os.geteuid() != 0,  # Chromium's sandbox refuses to run as root
            args=["--disable-gpu", "--disable-quic"],
        )
        yield browser
        browser.close()


@pytest.fixture
def complaints(running_url: str) -> Iterator[Complaints]:
    """The browser's complaints; a test fails on those that it did not `expect`."""
    collected = Complaints(running_url)
    yield collected
    collected.check()


@pytest.fixture
def visit(browser: Browser, running_url: str, complaints: Complaints) -> Iterator[Visit]:
    """Opens pages; keyword arguments are those of Playwright's `new_context`."""
    contexts = []

    def open_page(path: str = "/", *, screen: ViewportSize = DESKTOP, **options: Any) -> Page:
        context = browser.new_context(base_url=running_url, viewport=screen, **options)
        contexts.append(context)
        context.set_default_timeout(30_000)
        complaints.watch(context)
        page = context.new_page()
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
