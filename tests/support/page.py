"""What tests repeatedly do on the page, in the order that a person would."""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import CDPSession, Locator, Page, expect

from tests.support.browser import PHONE
from tests.support.photos import named

TILES = "#birds-grid .tile"  # of My birds
MODEL_MS = 60_000  # for whatever waits for the model: the first photo after a start is slow


def some_photo(photos: Path, label: str, number: int = 0) -> Path:
    """A photo of a folder, always the same one."""
    return named(photos / label, number + 1)[number]


def choose(page: Page, *files: Path, until: str = "answered") -> Locator:
    """Choose photos; the newest bird's card once it has that state."""
    expect(page.locator("body.ready")).to_be_visible()
    cards = page.locator(".card")
    before = cards.count()
    page.locator("#files").set_input_files(files)
    expect(cards).to_have_count(before + len(files), timeout=MODEL_MS)
    card = cards.first
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
    return page.locator(TILES)


def saved(page: Page, photos: Path, label: str = "sun-conure") -> Locator:
    """Save a parrot and go to My birds; the tiles, of which the newest is processed."""
    save_as(choose(page, some_photo(photos, f"parrots/{label}")))
    tiles = my_birds(page)
    expect(tiles.first).to_have_attribute("data-state", "ready", timeout=MODEL_MS)
    return tiles


def opened(tile: Locator) -> Locator:
    """A tile's sheet."""
    tile.get_by_role("button").click()
    return tile.page.get_by_role("dialog")


def assert_above_the_fold(page: Page, headline: Locator) -> None:
    """Nobody has to scroll to it, in either direction."""
    box, tabs = headline.bounding_box(), page.locator("nav.views").bounding_box()
    assert box is not None
    assert tabs is not None
    assert box["y"] + box["height"] < tabs["y"] <= PHONE["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def serious(page: Page) -> list[str]:
    """What axe-core calls serious or critical on the page as it is now."""
    violations = Axe().run(page).response["violations"]
    return [
        f"{violation['id']}: {node['html'][:200]}"
        for violation in violations
        if violation["impact"] in {"serious", "critical"}
        for node in violation["nodes"]
    ]


def states(page: Page, photos: Path) -> Iterator[str]:
    """Bring the page into each state that a person meets, and name it."""
    expect(page.locator("body.ready")).to_be_visible()
    yield "start"
    card = choose(page, some_photo(photos, "parrots/sun-conure"))
    yield "answered"
    save_as(card)
    yield "saved"
    card.locator(".zoom").click()
    expect(page.locator("#crop .window")).to_be_focused()
    yield "zoomed in"
    page.keyboard.press("Escape")
    choose(page, some_photo(photos, "negatives/food"))
    yield "not a parrot"
    tile = my_birds(page)
    expect(tile).to_have_attribute("data-state", "ready", timeout=MODEL_MS)
    expect(tile.locator("img.there")).to_be_visible()
    yield "My birds"
    expect(opened(tile)).to_be_visible()
    yield "a bird's sheet"
    page.keyboard.press("Escape")
    page.get_by_role("link", name=re.compile("^(Privacy|개인정보)$")).click()
    expect(page.locator("#privacy-figures")).not_to_be_empty()
    yield "what is kept"


def be_somebody(page: Page) -> str:
    """Use the page as a new person; returns the name."""
    name = f"person-{uuid.uuid4().hex[:8]}"
    page.locator("#account-button").click()
    page.locator("#account input").fill(name)
    page.locator("#account button[value=use]").click()
    return name


def used_by(name: str, url: str) -> Any:
    """The `storage_state` of a browser that somebody used under this name."""
    kept = {"origin": url, "localStorage": [{"name": "parrot.name", "value": name}]}
    return {"cookies": [], "origins": [kept]}


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
