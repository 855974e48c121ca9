"""Bad days of the host, of the service and of the device: what the page then shows is so."""

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.browser import PHONE, Complaints
from tests.support.page import my_birds, name_of, opened
from tests.support.phone import Phone
from tests.support.visits import Visit

UNDO_MS = 7_200  # of the page's patience with a slip


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


def test_a_deletion_that_is_refused_brings_the_bird_back(
    page: Page, owner: Phone, complaints: Complaints
) -> None:
    """It stayed hidden for ever: not deleted, not asked for again, and nobody was told."""
    complaints.expect("status of 500")
    tile = my_birds(page)

    def refuse(route: Route) -> None:
        if route.request.method == "DELETE":
            route.fulfill(status=500, json={"code": "internal"})
        else:
            route.fallback()

    page.route("**/observations/*", refuse)
    expect(tile).to_have_count(1)
    page.clock.install()
    opened(tile).get_by_role("button", name="Delete").click()
    expect(tile).to_have_count(0)
    page.clock.fast_forward(UNDO_MS)
    expect(tile).to_have_count(1)
    expect(page.locator("#toast")).to_contain_text("Something went wrong")
    assert len(owner.observations()) == 1


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
