"""Several photos of one bird on the page: one answer, each photo's own, and what is kept."""

from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.support.browser import Complaints
from tests.support.page import (
    MODEL_MS,
    assert_above_the_fold,
    be_somebody,
    choose,
    my_birds,
    some_photo,
)


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
    assert_above_the_fold(phone, headline)


def test_each_photos_own_answer_is_there_and_a_wrong_photo_can_go(
    phone: Page, photos: Path
) -> None:
    """Which photo helped is for those who ask; without one of them the bird is asked again."""
    card = one_bird(phone, *galahs(photos, 2), some_photo(photos, "negatives/food"))
    own = card.locator(".each li .name")
    expect(own.first).to_be_hidden()
    card.locator(".each summary").click()
    expect(own).to_have_text(["Galah", "Galah", "Not a parrot"])
    with phone.expect_request("**/classify?*"):
        card.get_by_role("button", name="Remove photo 3").click()
    expect(card.locator(".joint")).to_contain_text("2 photos", timeout=MODEL_MS)
    expect(card.locator(".each li")).to_have_count(2)


def test_only_ticked_photos_are_saved(phone: Page, photos: Path) -> None:
    """Two good ones of three; with none, nothing must look saved that is not."""
    be_somebody(phone)
    card = one_bird(phone, *galahs(photos, 3))
    ticks = [card.get_by_role("checkbox", name=f"Keep photo {number}") for number in (1, 2, 3)]
    for tick in ticks:
        tick.uncheck()
    card.locator(".keep button[type=submit]").click()
    expect(card.locator(".outcome")).to_contain_text("Tick the photos")
    ticks[0].check()
    ticks[2].check()
    card.locator(".keep button[type=submit]").click()
    expect(card.locator(".outcome")).to_contain_text("Saved 2 photos", timeout=MODEL_MS)
    expect(my_birds(phone)).to_have_count(2)


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
    expect(card.locator(".retry")).to_be_hidden()  # the same file would be refused again
    shown = card.locator(".strip li").nth(1)
    expect(shown.locator("img")).to_be_hidden()  # a browser's own sign of a broken picture
    expect(shown.locator(".ordinal")).to_have_text("Photo 2")
    card.get_by_role("button", name="Remove photo 2").click()
    expect(card.locator(".headline")).to_have_text("Galah", timeout=MODEL_MS)
