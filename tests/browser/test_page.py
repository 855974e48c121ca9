"""The web page: served whole, true to the service, in need of nobody else's."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
import requests
from playwright.sync_api import expect

from local.samples import MACAW
from local.stack import DEFAULT_BUNDLE, ROOT
from parrot.errors import ParrotError
from parrot.model.species import SpeciesTable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from tests.support.browser import Complaints

PUBLIC = ROOT / "public"
TEXTS = sorted(path for path in PUBLIC.iterdir() if path.suffix != ".json")


class Rows(HTMLParser):
    """The table rows that have an id, and the numbers in each row's second column."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.statuses: dict[str, set[int]] = {}
        self._row: str | None = None
        self._cell = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self._row, self._cell = dict(attrs).get("id"), 0
            if self._row:
                assert self._row not in self.statuses
                self.statuses[self._row] = set()
        elif tag in {"th", "td"}:
            self._cell += 1

    def handle_data(self, data: str) -> None:
        if self._row and self._cell == 2:
            self.statuses[self._row] |= {int(number) for number in re.findall(r"\d+", data)}


def errors(root: type[ParrotError] = ParrotError) -> Iterator[type[ParrotError]]:
    """Every class of the tree that has a code of its own."""
    if "code" in vars(root):
        yield root
    for child in root.__subclasses__():
        if child.__module__.startswith("parrot."):
            yield from errors(child)


def test_every_error_code_is_explained_and_no_other() -> None:
    """A problem's `type` leads there; a dead link would be the second disappointment."""
    html = (PUBLIC / "errors.html").read_text(encoding="utf-8")
    explained = Rows(html).statuses
    assert set(explained) == {error.code for error in errors()}
    for error in errors():
        assert error.status in explained[error.code] or error.code == "invalid_image"
    assert explained["invalid_image"] == {400, 422}


def test_the_species_list_is_the_bundles() -> None:
    """People choose from it what the service then looks up."""
    table = SpeciesTable.parse((DEFAULT_BUNDLE / "species.csv").read_bytes())
    listed = json.loads((PUBLIC / "species.json").read_text(encoding="utf-8"))
    assert listed == {
        "species": [
            {
                "index": species.index,
                "id": species.id,
                "scientific_name": species.scientific_name,
                "names": {"en": species.english, "ko": species.korean},
                "cites": species.cites or None,
            }
            for species in table.rows
        ]
    }


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


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_nothing_refers_to_another_origin(path: Path) -> None:
    """The page works offline, and tells nobody that it is looked at."""
    text = path.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.findall(r"https?://|[\"'(]//|@import|url\((?!#)", text)


@pytest.mark.parametrize("name", ["index.html", "errors.html"])
def test_no_code_or_style_stands_inline(name: str) -> None:
    """The content security policy forbids it, so that an injected script would not run either."""
    html = (PUBLIC / name).read_text(encoding="utf-8")
    assert "Content-Security-Policy" in html
    assert not re.findall(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)", html)


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
