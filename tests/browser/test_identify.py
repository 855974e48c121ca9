"""From a photo to an answer, as a new user meets it on a phone."""

import re
from pathlib import Path

from PIL import Image, ImageOps
from playwright.sync_api import Page, expect

from tests.support.page import MODEL_MS, assert_above_the_fold, choose, some_photo


def test_the_species_stands_above_the_fold_with_the_photo(phone: Page, photos: Path) -> None:
    """It is what people came for; nobody should have to scroll to it."""
    card = choose(phone, some_photo(photos, "parrots/sun-conure"))
    headline = card.locator(".headline")
    expect(headline).to_have_text("Probably Sun conure")
    assert_above_the_fold(phone, headline)
    expect(card.locator(".preview")).to_be_in_viewport(ratio=0.95)


def test_the_answer_says_what_the_model_knows_without_a_percentage(
    phone: Page, photos: Path
) -> None:
    """A parrot that the model does not know gets the same figures as one that it knows."""
    card = choose(phone, some_photo(photos, "parrots/scarlet-macaw"))
    expect(card.locator(".words")).to_contain_text("22 kinds")
    expect(card.locator(".compare")).to_contain_text("Green-winged macaw")
    assert "%" not in card.inner_text()
    card.locator(".compare").get_by_role("link", name="Green-winged macaw").click()
    expect(phone.locator("h1")).to_have_text("Green-winged macaw")


def test_what_is_not_a_parrot_is_not_named(phone: Page, photos: Path) -> None:
    """A dog has no most similar parrot; what to do next is what helps."""
    card = choose(phone, some_photo(photos, "negatives/food"))
    expect(card.locator(".headline")).to_have_text("Not a parrot")
    expect(card.locator(".tip")).to_be_visible()
    expect(card.locator(".alike")).to_be_hidden()
    expect(card.locator(".keep select")).to_have_value("")


def test_a_heic_photo_is_identified_though_the_browser_cannot_show_it(
    phone: Page, odd: Path
) -> None:
    """It is what iPhones make; only Safari can draw one."""
    card = choose(phone, odd / "derived-parrot" / "blue-and-gold-macaw-photo.heic")
    expect(card.locator(".headline")).to_have_text("Probably Blue-and-yellow macaw")
    expect(card.locator(".no-preview")).to_be_visible()
    expect(card.locator(".zoom")).to_be_hidden()


def test_a_large_photo_is_shrunk_before_it_travels(phone: Page, odd: Path) -> None:
    """The model looks at 320 pixels; twelve megapixels would only make people wait."""
    photo = odd / "derived-parrot" / "cockatiel-phone12mp-orient6-gps-2.jpg"
    with phone.expect_request("**/classify?*") as request:
        card = choose(phone, photo)
    headers = request.value.all_headers()
    assert int(headers["content-length"]) < 500_000 < photo.stat().st_size
    assert headers["x-app-version"] == "page"
    expect(card.locator(".headline")).to_have_text("Cockatiel")
    with Image.open(photo) as image:
        upright = ImageOps.exif_transpose(image).size
    preview = card.locator(".preview")
    assert preview.evaluate("(it) => [it.naturalWidth, it.naturalHeight]") == list(upright)


def test_zooming_in_asks_again_with_that_part(phone: Page, photos: Path) -> None:
    """A bird that is small in its photo is what the model misses most."""
    card = choose(phone, some_photo(photos, "parrots/sun-conure"))
    before = card.locator(".preview").get_attribute("src")
    card.locator(".zoom").click()
    window = phone.locator("#crop .window")
    expect(window).to_be_focused()
    phone.locator("#crop input[type=range]").fill("0.3")
    window.drag_to(
        window, source_position={"x": 150, "y": 150}, target_position={"x": 180, "y": 170}
    )
    with phone.expect_response("**/classify?*") as response:
        phone.locator("#crop button[value=done]").click()
    size = response.value.json()["photo"]
    assert size["width"] == size["height"] < 300
    expect(card).to_have_attribute("data-state", "answered", timeout=MODEL_MS)
    expect(card.locator(".preview")).not_to_have_attribute("src", str(before))


def test_removing_the_last_card_brings_the_start_back(phone: Page, photos: Path) -> None:
    """The way to the next photo must never be lost."""
    card = choose(phone, some_photo(photos, "parrots/kea"))
    card.get_by_role("button", name="Remove this bird").click()
    expect(phone.get_by_role("heading", name=re.compile("Which parrot"))).to_be_visible()
