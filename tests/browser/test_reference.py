"""/api: Scalar shows the API's description, within our security policy, and sends requests."""

import shutil

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.support.browser import DESKTOP, PHONE, Complaints
from tests.support.required import missing
from tests.support.visits import Visit

BUNDLING_MS = 200_000  # by npm, for the first who asks
PAINTED = """new Promise((done, fail) => {
  new PerformanceObserver(done).observe({ type: "paint", buffered: true });
  setTimeout(fail, 20_000, "the page is white");
})"""


@pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_reference_fits_the_screen_and_tries_requests(
    visit: Visit, complaints: Complaints, screen: ViewportSize
) -> None:
    """A table of 1,873 pixels is no reference, and nobody else may learn who reads it."""
    if shutil.which("npm") is None:
        missing("needs Node 20 and npm", required_by="REQUIRE_SUITE")
    complaints.expect("inline style")  # what the policy refuses of Scalar's is no loss
    page = visit(screen=screen)
    page.goto("/api", wait_until="commit")  # it is loaded when npm is done
    title = page.get_by_role("heading", name="Parrot Classifier")
    expect(title).to_be_visible(timeout=BUNDLING_MS)
    page.goto("/api#tag/classify/GET/parrot-classifier/classify")
    call = page.locator("section").filter(has_text="Is the service ready?").last
    call.scroll_into_view_if_needed()
    assert page.evaluate("document.documentElement.scrollWidth") == screen["width"]
    call.get_by_role("button", name="Test Request").click()
    with page.expect_response("**/parrot-classifier/classify") as answer:
        page.get_by_role("button", name="Send").first.click()
    assert answer.value.json()["status"] == "ready"
    numbers = page.locator(".cm-gutters").last
    lines = numbers.locator("xpath=following-sibling::*[contains(@class, 'cm-content')]")
    expect(lines).to_contain_text("ParrotClassifier")
    beside, box = numbers.bounding_box(), lines.bounding_box()
    assert beside is not None
    assert box is not None
    assert abs(box["y"] - beside["y"]) < 5  # which only the editor's adopted style makes so


def test_the_page_says_what_takes_so_long_while_the_reference_is_made(visit: Visit) -> None:
    """The first who asks waits for npm; the page stayed white as long."""
    page = visit()
    page.route("**/vendor/*", lambda _route: None)  # no answer
    page.goto("/api", wait_until="commit")
    page.evaluate(PAINTED)
    expect(page.locator("#waiting")).to_contain_text("takes a minute the first time")
