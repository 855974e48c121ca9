"""Several photos of one bird on the page: one answer, each photo's own, and what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.support.browser import DESKTOP, PHONE
from tests.support.page import MODEL_MS, be_somebody, choose, module, my_birds, some_photo

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page, ViewportSize

    from tests.support.browser import Complaints
    from tests.support.visits import Visit

MACAW = {"id": "ara-macao", "names": {"en": "Scarlet macaw"}, "probability": 0.6}


def one_bird(page: Page, *files: Path) -> Locator:
    """Choose photos and say that they show one bird; the card of them all."""
    choose(page, *files)
    page.get_by_role("button", name="Yes, one bird").click()
    card = page.locator(".card")
    expect(card).to_have_count(1)
    expect(card.locator(".strip li")).to_have_count(len(files))
    expect(card).to_have_attribute("data-state", "answered", timeout=MODEL_MS)
    return card


def galahs(photos: Path, count: int) -> list[Path]:
    return [some_photo(photos, "parrots/galah", number) for number in range(count)]


def test_one_name_stands_above_the_fold_for_all_photos(phone: Page, photos: Path) -> None:
    """The strip of photos must not push down what people came for."""
    card = one_bird(phone, *galahs(photos, 3))
    headline = card.locator(".headline")
    expect(headline).to_have_text("Galah")
    expect(card.locator(".joint")).to_contain_text("3 photos")
    box, tabs = headline.bounding_box(), phone.locator("nav.views").bounding_box()
    assert box is not None
    assert tabs is not None
    assert box["y"] + box["height"] < tabs["y"] <= PHONE["height"]
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_each_photos_own_answer_is_there_on_demand(phone: Page, photos: Path) -> None:
    """Which photo helped, and which did not, is for those who ask."""
    card = one_bird(phone, *galahs(photos, 2), some_photo(photos, "negatives/food"))
    own = card.locator(".each li .name")
    expect(own.first).to_be_hidden()
    card.locator(".each summary").click()
    expect(own).to_have_text(["Galah", "Galah", "Not a parrot"])


def test_without_one_of_its_photos_the_bird_is_asked_again(phone: Page, photos: Path) -> None:
    """A wrong photo slips in easily."""
    card = one_bird(phone, *galahs(photos, 2), some_photo(photos, "negatives/food"))
    with phone.expect_request("**/classify?*"):
        card.get_by_role("button", name="Remove photo 3").click()
    expect(card.locator(".joint")).to_contain_text("2 photos", timeout=MODEL_MS)
    expect(card.locator(".each li")).to_have_count(2)


def test_only_ticked_photos_are_saved(phone: Page, photos: Path) -> None:
    """Two good ones of three; the blurred one is not worth keeping."""
    be_somebody(phone)
    card = one_bird(phone, *galahs(photos, 3))
    card.get_by_role("checkbox", name="Keep photo 2").uncheck()
    card.locator(".keep button[type=submit]").click()
    expect(card.locator(".outcome")).to_contain_text("Saved 2 photos", timeout=MODEL_MS)
    expect(my_birds(phone)).to_have_count(2)


def test_saving_none_of_the_photos_says_what_to_do(phone: Page, photos: Path) -> None:
    """Nothing must look saved that is not."""
    card = one_bird(phone, *galahs(photos, 2))
    for number in (1, 2):
        card.get_by_role("checkbox", name=f"Keep photo {number}").uncheck()
    card.locator(".keep button[type=submit]").click()
    expect(card.locator(".outcome")).to_contain_text("Tick the photos")


def test_a_file_that_is_not_a_photo_is_named_by_its_number(
    phone: Page, photos: Path, odd: Path, complaints: Complaints
) -> None:
    """Otherwise all would have to be taken again."""
    complaints.expect("status of 415")
    card = choose(phone, *galahs(photos, 1))
    broken = odd / "derived-parrot" / "blue-and-gold-macaw-html-as.jpg"
    card.locator(".add input").set_input_files(broken)
    expect(card).to_have_attribute("data-state", "failed", timeout=MODEL_MS)
    expect(card.locator(".problem-title")).to_have_text("Photo 2: This is not a photo")
    shown = card.locator(".strip li").nth(1)
    expect(shown.locator("img")).to_be_hidden()  # a browser's own sign of a broken picture
    expect(shown.locator(".ordinal")).to_have_text("Photo 2")
    card.get_by_role("button", name="Remove photo 2").click()
    expect(card.locator(".headline")).to_have_text("Galah", timeout=MODEL_MS)


def test_photos_of_different_birds_are_said_to_be(phone: Page) -> None:
    """Two names in the headline alone would read as doubt about one bird."""
    other = {**MACAW, "id": "ara-ararauna", "names": {"en": "Blue-and-yellow macaw"}}
    single = {
        "parrot": {"is_parrot": True, "probability": 0.98},
        "species": [MACAW, other],
        "set": {"coverage": 0.95, "species": [MACAW["id"], other["id"]], "unknown": False},
    }
    answer = {**single, "agree": False, "photos": [single, single]}
    meaning = module(phone, "answer", "m.interpret(x)", answer)
    assert (meaning["kind"], meaning["photos"], meaning["agree"]) == ("few", 2, False)
    assert "different birds" in module(phone, "answer-view", "m.words(x, 16)", meaning)


@pytest.mark.parametrize(("screen", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")])
def test_axe_finds_nothing_serious_about_several_photos(
    visit: Visit, photos: Path, screen: ViewportSize, scheme: str
) -> None:
    """Ticks, thumbnails and lists have names and contrast."""
    page = visit(screen=screen, color_scheme=scheme, reduced_motion="reduce")
    card = one_bird(page, *galahs(photos, 2))
    card.locator(".each summary").click()
    violations = Axe().run(page).response["violations"]
    found = [rule for rule in violations if rule["impact"] in {"serious", "critical"}]
    assert found == []
