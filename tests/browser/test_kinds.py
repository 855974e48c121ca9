"""The pages of kinds: what an answer names can be compared, read and shared, anywhere."""

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.support.browser import DESKTOP, PHONE
from tests.support.page import serious
from tests.support.visits import Visit

KEPT = """async (address) => {
  for (;;) {
    const cache = await caches.open('page');
    if (await cache.match(address)) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}"""


def drawn(page: Page) -> None:
    """Wait until every plate is there."""
    for image in page.locator("main img").all():
        expect(image).to_have_js_property("complete", value=True)
        expect(image).not_to_have_js_property("naturalWidth", 0)


@pytest.mark.parametrize(
    ("screen", "scheme", "locale"), [(PHONE, "light", "ko-KR"), (DESKTOP, "dark", "en-GB")]
)
@pytest.mark.parametrize("path", ["/kinds", "/kinds/ara-macao", "/kinds/cockatoos"])
def test_axe_finds_nothing_serious_and_nothing_is_cut_off(
    visit: Visit, path: str, screen: ViewportSize, scheme: str, locale: str
) -> None:
    """A list, a kind and a group, small and large, light and dark, in both languages."""
    page = visit(path, screen=screen, color_scheme=scheme, locale=locale)
    expect(page.locator("h1")).to_be_visible()
    drawn(page)
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= screen["width"]


def test_a_kind_is_shown_beside_what_it_is_mistaken_for(visit: Visit) -> None:
    """Two macaws differ in a band: nobody should have to remember one and look at the other."""
    page = visit("/kinds/ara-macao", locale="en")
    expect(page.locator(".plate b")).to_have_text(["Scarlet macaw", "Green-winged macaw"])
    expect(page.locator(".plate .marks").last).to_contain_text("green band")
    expect(page.locator("dl")).to_contain_text("Appendix I (2023)")
    page.get_by_label("Language").select_option("ko")
    expect(page.locator("h1")).to_have_text("금강앵무")
    page.get_by_role("link", name="홍금강앵무").click()
    expect(page.locator("h1")).to_have_text("홍금강앵무")


def test_a_kind_that_was_never_opened_can_be_read_without_a_network(phone: Page) -> None:
    """Parrots live where networks do not, and that is where people compare."""
    phone.evaluate(KEPT, "/plates/strigops-habroptila.svg")
    phone.reload()
    phone.context.set_offline(True)
    phone.goto("/kinds/strigops-habroptila")
    expect(phone.locator("h1")).to_have_text("Kakapo")
    drawn(phone)
    expect(phone.locator("dl")).to_contain_text("Wildlife Act")


@pytest.mark.parametrize("name", ["dodo", "constructor"])
def test_a_page_of_no_kind_says_so(visit: Visit, name: str) -> None:
    """An address that was typed wrong still leads to all kinds."""
    page = visit(f"/kinds/{name}")
    expect(page.locator("h1")).to_have_text("There is no page with this name")
    expect(page.locator(".plate").first).to_be_visible()
