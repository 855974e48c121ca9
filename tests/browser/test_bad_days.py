"""Bad days of the host, of the service and of the device: what the page then shows is so."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import PHONE
from tests.support.page import my_birds, name_of
from tests.support.phone import Phone
from tests.support.visits import Visit


@pytest.fixture
def page(visit: Visit) -> Page:
    """The page on a phone, without a service worker: all its requests can be answered here."""
    return visit(screen=PHONE, service_workers="block")


@pytest.fixture
def owner(page: Page, running_url: str) -> Phone:
    """Whoever uses the page; one bird of theirs is there."""
    person = Phone(running_url, name_of(page))
    person.settled(person.save(1))
    return person


@pytest.mark.parametrize("storage", ["full", "forbidden"])
def test_birds_are_shown_where_none_can_be_kept(page: Page, owner: Phone, storage: str) -> None:
    """They had been loaded, and what was shown was that the device has no room."""
    if storage == "full":
        chromium = page.context.new_cdp_session(page)
        device = {"origin": owner.url, "quotaSize": 1}
        chromium.send("Storage.overrideQuotaForOrigin", device)
    else:
        page.add_init_script(
            "indexedDB.open = () => { throw new DOMException('', 'SecurityError') }"
        )
        page.reload()
    expect(my_birds(page).locator("img.there")).to_be_visible()
    expect(page.locator("#birds-problem")).to_be_hidden()
