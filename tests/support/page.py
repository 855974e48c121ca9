"""What tests repeatedly do on the page, in the order that a person would."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.support.photos import named

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import CDPSession, Locator, Page

MODEL_MS = 60_000  # for whatever waits for the model: the first photo after a start is slow


def some_photo(photos: Path, label: str, number: int = 0) -> Path:
    """A photo of a folder, always the same one."""
    return named(photos / label, number + 1)[number]


def choose(page: Page, *files: Path, until: str = "answered") -> Locator:
    """Choose photos; the newest bird's card once it has that state."""
    expect(page.locator("body.ready")).to_be_visible()
    page.locator("#files").set_input_files(files)
    card = page.locator(".card").first
    expect(card).to_have_attribute("data-state", until, timeout=MODEL_MS)
    return card


def save_as(card: Locator, species: str | None = None) -> str:
    """Save a card's photo, as what is suggested or as a species; what the card then says."""
    if species is not None:
        card.locator(".keep select").select_option(species)
    card.locator(".keep button[type=submit]").click()
    outcome = card.locator(".outcome p")
    expect(outcome).to_be_visible(timeout=MODEL_MS)
    return outcome.inner_text().strip()


def my_birds(page: Page) -> Locator:
    """Go to My birds; returns its tiles."""
    page.locator("nav.views a[data-view=birds]").click()
    return page.locator(".tile")


def be_somebody(page: Page) -> str:
    """Use the page as a new person; returns the name."""
    name = f"person-{uuid.uuid4().hex[:8]}"
    page.locator("#account-button").click()
    page.locator("#account input").fill(name)
    page.locator("#account button[value=use]").click()
    return name


def name_of(page: Page) -> str:
    """The name that the page gave a new person, once it has."""
    expect(page.locator("body.ready")).to_be_visible()
    name = page.evaluate("localStorage.getItem('parrot.name')")
    assert isinstance(name, str), name
    return name


def module(page: Page, name: str, expression: str, argument: Any = None) -> Any:
    """What an expression over one of the page's modules `m` and an argument `x` gives."""
    expect(page.locator("body.ready")).to_be_visible()
    script = f"async (x) => {{ const m = await import('/app/{name}.js'); return {expression}; }}"
    return page.evaluate(script, argument)


@contextmanager
def slow_upload(page: Page, bytes_per_second: int) -> Iterator[CDPSession]:
    """A network with a limited upload rate."""
    session = page.context.new_cdp_session(page)
    session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 200,
            "downloadThroughput": -1,
            "uploadThroughput": bytes_per_second,
        },
    )
    yield session
    session.detach()
