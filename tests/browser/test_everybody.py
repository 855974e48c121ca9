"""A page for everybody: keyboards, screen readers, dark rooms, thin networks, careful people."""

from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, Response, ViewportSize, expect

from tests.support.browser import DESKTOP, PHONE
from tests.support.page import MODEL_MS, choose, my_birds, serious, some_photo, states
from tests.support.visits import Visit

FIRST_LOAD_BYTES = 100_000
ARRANGED_AGAIN = """new Promise((done) => {
  document.dispatchEvent(new Event('language'));
  requestAnimationFrame(() => requestAnimationFrame(done));
})"""


@pytest.mark.parametrize(("screen", "scheme"), [(PHONE, "light"), (DESKTOP, "dark")])
def test_axe_finds_nothing_serious(
    visit: Visit, photos: Path, screen: ViewportSize, scheme: str
) -> None:
    """Contrast, names and roles, in each state that a person meets."""
    # Nothing moves: a colour that is half faded in has no contrast yet.
    page = visit(screen=screen, color_scheme=scheme, reduced_motion="reduce")
    for state in states(page, photos):
        assert serious(page) == [], state


def test_a_keyboard_is_enough(desktop: Page, photos: Path) -> None:
    """From the answer to the saved bird and its sheet without a mouse."""
    card = choose(desktop, some_photo(photos, "parrots/sun-conure"))
    card.focus()
    reached = set()
    for _ in range(8):
        desktop.keyboard.press("Tab")
        reached.add(desktop.evaluate("document.activeElement.className"))
        if desktop.evaluate("document.activeElement.matches('.keep [type=submit]')"):
            break
    assert "over zoom" in reached
    desktop.keyboard.press("Enter")
    expect(card.locator(".outcome")).to_contain_text("Saved", timeout=MODEL_MS)
    tile = my_birds(desktop)
    tile.get_by_role("button").focus()
    desktop.keyboard.press("Enter")
    expect(desktop.get_by_role("dialog")).to_be_visible()
    desktop.keyboard.press("Escape")
    desktop.evaluate(ARRANGED_AGAIN)
    expect(tile.get_by_role("button")).to_be_focused()


def test_the_first_load_is_small(visit: Visit) -> None:
    """Everything that the start asks for, uncompressed: a second on a slow phone."""
    page = visit("about:blank")  # not another page, whose files would be missing in the sum
    sizes: dict[str, int] = {}

    def weigh(response: Response) -> None:
        if response.ok:
            sizes[response.url] = len(response.body())

    page.on("response", weigh)
    page.add_init_script("delete Navigator.prototype.serviceWorker")  # it loads all in advance
    page.goto("/", wait_until="networkidle")
    assert any(url.endswith("/app/main.js") for url in sizes)
    assert sum(sizes.values()) < FIRST_LOAD_BYTES, sizes


def test_no_button_can_be_tapped_before_the_scripts_have_run(visit: Visit) -> None:
    """Such a tap was lost; without JavaScript the page says what is missing."""
    plain = visit(java_script_enabled=False)
    assert "<noscript><p>This page needs JavaScript." in plain.content()
    expect(plain.locator("button:visible:disabled")).to_have_count(1)
    expect(plain.locator("button:visible:enabled")).to_have_count(0)
    expect(visit().locator("#account-button")).to_be_enabled()


def test_nothing_moves_for_those_who_ask(visit: Visit) -> None:
    """Moving stripes make some people ill."""
    page = visit(reduced_motion="reduce")
    expect(page.locator("body.ready")).to_be_visible()
    moving = "getComputedStyle(document.querySelector('.dropping')).transitionDuration"
    assert page.evaluate(moving) in {"0s", "0s, 0s"}


def test_the_page_can_be_installed(desktop: Page, running_url: str) -> None:
    """A name, a start and icons of the sizes that phones ask for."""
    address = desktop.locator("link[rel=manifest]").get_attribute("href")
    response = requests.get(f"{running_url}{address}", timeout=30)
    manifest = response.json()
    assert manifest["display"] == "standalone"
    for icon in manifest["icons"]:
        picture = requests.get(f"{running_url}{icon['src']}", timeout=30)
        assert picture.headers["Content-Type"] == "image/png"
    assert {icon["sizes"] for icon in manifest["icons"]} == {"192x192", "512x512"}
    session = desktop.context.new_cdp_session(desktop)
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert {error["errorId"] for error in errors} <= {"in-incognito"}  # as every test's window is


def test_the_local_page_is_allowed_no_other_origin(running_url: str) -> None:
    """Signing in needs some, and nobody signs in here: whatever asks for one is a mistake."""
    policy = requests.get(running_url, timeout=30).headers["Content-Security-Policy"]
    assert "https:" not in policy
    assert "frame-src 'self';" in policy
