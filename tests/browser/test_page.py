"""The page in a real browser, against the running stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from playwright.sync_api import expect

from local.samples import MACAW

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from tests.support.browser import Complaints


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/app.js", "text/javascript"),
        ("/card.js", "text/javascript"),
        ("/service.js", "text/javascript"),
        ("/words.js", "text/javascript"),
        ("/style.css", "text/css"),
        ("/species.json", "application/json"),
        ("/mark.svg", "image/svg+xml"),
        ("/favicon.svg", "image/svg+xml"),
        ("/parrot-classifier/errors", "text/html"),
    ],
)
def test_each_part_of_the_page_is_served_as_what_it_is(
    running_url: str, path: str, kind: str
) -> None:
    """A module that is served as plain text is not run."""
    response = requests.get(running_url + path, timeout=30)
    assert response.status_code == 200
    assert response.headers["Content-Type"].partition(";")[0] == kind


def save_as(page: Page, species: str) -> str:
    """Save the only photo under a species; what the card then says."""
    card = page.locator(".card").first
    card.locator("select").select_option(species)
    card.get_by_role("button", name="Save").click()
    expect(card.locator(".saved")).to_be_visible(timeout=60_000)
    return card.locator(".saved").inner_text().strip()


def choose(page: Page, photo: Path, *, until: str) -> Locator:
    """Choose a photo; its card once it has that state."""
    page.locator("#files").set_input_files(photo)
    card = page.locator(".card").first
    expect(card).to_have_attribute("data-state", until, timeout=60_000)
    return card


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_a_person_classifies_a_photo_and_saves_it(
    request: pytest.FixtureRequest, screen: str
) -> None:
    """The happy path: choose, read the verdict, save, and hear that it was saved before."""
    page: Page = request.getfixturevalue(screen)
    page.get_by_label("Your name").fill(screen)  # somebody whose photos nobody else saves
    card = choose(page, MACAW, until="answered")
    expect(card.locator(".verdict-title")).to_have_text("A parrot")
    expect(card.locator(".species .name").first).to_have_text("Blue-and-yellow macaw")
    assert save_as(page, "ara-ararauna") == "Saved as Blue-and-yellow macaw."
    choose(page, MACAW, until="answered")
    assert "saved this photo before" in save_as(page, "ara-ararauna")


def test_a_person_is_told_why_a_file_is_refused(
    desktop: Page, complaints: Complaints, running_url: str, tmp_path: Path
) -> None:
    """A web page that was saved under a photo's name is the most common broken photo."""
    fake = tmp_path / "photo.jpg"
    fake.write_text("<!doctype html>")
    complaints.expect("status of 415")
    card = choose(desktop, fake, until="failed")
    expect(card.locator(".about > .problem .problem-title")).to_have_text("Unsupported media type")
    with desktop.expect_popup() as popup:
        card.get_by_role("link", name="What this means").click()
    explanation = popup.value
    expect(explanation).to_have_url(f"{running_url}/parrot-classifier/errors#unsupported_media")
    expect(explanation.locator("#unsupported_media")).to_be_in_viewport()
