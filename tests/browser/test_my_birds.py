"""My birds: what people saved is there, can be renamed, and can be deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests
from playwright.sync_api import expect

from tests.support.page import MODEL_MS, choose, my_birds, name_of, save_as, some_photo
from tests.support.phone import Phone

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.support.browser import Complaints


def headers(page: Page) -> dict[str, str]:
    return {"Authorization": f"Bearer local:{name_of(page)}"}


def test_a_saved_bird_is_there_after_a_reload(phone: Page, photos: Path) -> None:
    """Whoever saves expects to find it again, with its picture, without having signed up."""
    card = choose(phone, some_photo(photos, "parrots/sun-conure"))
    assert save_as(card) == "Saved as Sun conure."
    phone.reload()
    tile = my_birds(phone)
    expect(tile).to_have_count(1)
    expect(tile).to_have_attribute("data-state", "ready", timeout=MODEL_MS)
    expect(tile.locator(".name")).to_have_text("Sun conure")
    expect(tile.locator("img.there")).to_be_visible()


def test_a_status_changes_by_itself(phone: Page, photos: Path) -> None:
    """A photo is processed seconds after it is saved; nobody should reload to see it."""
    with phone.expect_response("**/save") as response:
        save_as(choose(phone, some_photo(photos, "parrots/galah")))
    assert response.value.json()["status"] == "pending"
    expect(my_birds(phone)).to_have_attribute("data-state", "ready", timeout=MODEL_MS)


def test_the_same_photo_again_is_said_to_be_there(phone: Page, photos: Path) -> None:
    """It is one save, and people are told so in words that they understand."""
    photo = some_photo(photos, "parrots/kea")
    save_as(choose(phone, photo))
    assert save_as(choose(phone, photo)) == "You saved this photo before, as Kea."
    expect(my_birds(phone)).to_have_count(1)


def test_the_same_photo_under_another_name_offers_the_change(
    phone: Page, complaints: Complaints, photos: Path
) -> None:
    """A conflict with an id in it helps nobody; changing the name is what they want."""
    complaints.expect("status of 409")
    photo = some_photo(photos, "parrots/kea")
    save_as(choose(phone, photo))
    card = choose(phone, photo)
    assert (
        save_as(card, "strigops-habroptila") == "You already saved this photo under another name."
    )
    card.get_by_role("button", name="Change it to Kakapo").click()
    expect(card.locator(".outcome p")).to_have_text("Changed to Kakapo.")
    expect(my_birds(phone).locator(".name")).to_have_text("Kakapo")


def test_a_bird_gets_another_name(phone: Page, photos: Path) -> None:
    """People learn what it was; the model's disagreement is then said on the tile."""
    save_as(choose(phone, some_photo(photos, "parrots/sun-conure")))
    tile = my_birds(phone)
    expect(tile).to_have_attribute("data-state", "ready", timeout=MODEL_MS)
    tile.get_by_role("button").click()
    sheet = phone.get_by_role("dialog")
    expect(sheet.get_by_role("heading")).to_have_text("Sun conure")
    sheet.get_by_label("Save as").select_option("ara-ararauna")
    sheet.get_by_role("button", name="Change").click()
    expect(tile.locator(".name")).to_have_text("Blue-and-yellow macaw")
    expect(tile.locator(".badge")).to_have_text("Needs review")
    phone.reload()
    expect(phone.locator(".tile .name")).to_have_text("Blue-and-yellow macaw")


def test_another_parrot_is_saved_under_the_persons_own_words(phone: Page, photos: Path) -> None:
    """The model knows sixteen kinds, people know more: none of them is forced into a wrong one."""
    card = choose(phone, some_photo(photos, "parrots/green-winged-macaw"))
    card.locator(".keep select").select_option(label="Another parrot")
    card.get_by_label("Which one, if you know").fill("Green-winged macaw")
    assert save_as(card) == "Saved as Green-winged macaw."
    tile = my_birds(phone)
    expect(tile.locator(".name")).to_have_text("Green-winged macaw")
    expect(tile).to_have_attribute("data-state", "needs_review", timeout=MODEL_MS)
    tile.get_by_role("button").click()
    sheet = phone.get_by_role("dialog")
    sheet.get_by_label("Save as").select_option(label="Not a parrot")
    sheet.get_by_role("button", name="Change").click()
    expect(tile.locator(".name")).to_have_text("Not a parrot")


def test_a_deletion_can_be_undone(phone: Page, running_url: str, photos: Path) -> None:
    """Thumbs slip; until the undo has gone the service is asked nothing."""
    save_as(choose(phone, some_photo(photos, "parrots/sun-conure")))
    tile = my_birds(phone)
    tile.get_by_role("button").click()
    phone.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(tile).to_have_count(0)
    phone.get_by_role("button", name="Undo").click()
    expect(tile).to_have_count(1)
    url = f"{running_url}/parrot-classifier/observations"
    assert len(requests.get(url, headers=headers(phone), timeout=30).json()["observations"]) == 1


def test_a_deletion_is_final_when_nobody_undoes_it(
    phone: Page, running_url: str, photos: Path
) -> None:
    """Deleted means gone from the service, not hidden on the page."""
    save_as(choose(phone, some_photo(photos, "parrots/sun-conure")))
    tile = my_birds(phone)
    tile.get_by_role("button").click()
    with phone.expect_response(lambda response: response.request.method == "DELETE") as response:
        phone.get_by_role("dialog").get_by_role("button", name="Delete").click()
    assert response.value.status == 204
    url = f"{running_url}/parrot-classifier/observations"
    assert requests.get(url, headers=headers(phone), timeout=30).json() == {"observations": []}
    expect(phone.get_by_role("heading", name="No birds yet")).to_be_visible()


def test_more_birds_come_while_scrolling(phone: Page, running_url: str) -> None:
    """Hundreds of birds must not be one answer, nor pages to click through."""
    count = 35
    for seed in range(count):
        Phone(running_url, name_of(phone)).save(seed, "nymphicus-hollandicus")
    tiles = my_birds(phone)
    expect(phone.locator("#birds-count")).to_have_text(f"{count} birds", timeout=MODEL_MS)
    expect(tiles).to_have_count(count)


def test_a_list_that_starts_again_while_it_loads_loses_no_bird(
    phone: Page, running_url: str
) -> None:
    """A network that comes and goes starts it again: what had arrived was dropped for good."""
    count = 12
    for seed in range(count):
        Phone(running_url, name_of(phone)).save(seed, "nymphicus-hollandicus")
    tiles = my_birds(phone)
    phone.evaluate(
        """async () => {
          for (let times = 0; times < 60; times += 1) {
            window.dispatchEvent(new Event("online"));
            await new Promise((resolve) => setTimeout(resolve, times % 13));
          }
        }"""
    )
    expect(phone.locator("#birds-count")).to_have_text(f"{count} birds", timeout=MODEL_MS)
    expect(tiles).to_have_count(count)


def test_a_bird_that_another_device_deleted_goes_away(
    phone: Page, complaints: Complaints, running_url: str, photos: Path
) -> None:
    """A sheet about something that is gone must say so, and not fail at the next button."""
    complaints.expect("status of 404")
    with phone.expect_response("**/save") as response:
        save_as(choose(phone, some_photo(photos, "parrots/sun-conure")))
    name = response.value.json()["id"]
    tile = my_birds(phone)
    expect(tile).to_have_attribute("data-state", "ready", timeout=MODEL_MS)
    url = f"{running_url}/parrot-classifier/observations/{name}"
    assert requests.delete(url, headers=headers(phone), timeout=30).status_code == 204
    tile.get_by_role("button").click()
    expect(phone.locator("#toast")).to_contain_text("deleted")
    expect(tile).to_have_count(0)


def test_an_older_state_is_not_overwritten(
    phone: Page, complaints: Complaints, running_url: str, photos: Path
) -> None:
    """Two devices change the same bird: the second one sees the first one's change."""
    complaints.expect("status of 412")
    with phone.expect_response("**/save") as response:
        save_as(choose(phone, some_photo(photos, "parrots/sun-conure")))
    name = response.value.json()["id"]
    tile = my_birds(phone)
    expect(tile).to_have_attribute("data-state", "ready", timeout=MODEL_MS)
    with phone.expect_response(f"**/observations/{name}"):
        tile.get_by_role("button").click()
    sheet = phone.get_by_role("dialog")
    requests.patch(
        f"{running_url}/parrot-classifier/observations/{name}",
        json={"species": "nestor-notabilis"},
        headers=headers(phone),
        timeout=30,
    ).raise_for_status()
    sheet.get_by_label("Save as").select_option("ara-ararauna")
    sheet.get_by_role("button", name="Change").click()
    expect(sheet.get_by_role("alert")).to_contain_text("changed on another device")
